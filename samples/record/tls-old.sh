#!/bin/sh
# Records what nobody should use any more, with OpenSSL's s_client and s_server on loopback: TLS 1.0 and
# 1.1, AES-CBC with HMAC-SHA1, ECDHE and RSA key exchange; then TLS 1.2 with encrypt-then-MAC off and on.
# tls-old.pcap and tls-old.keys remain, and tls-old.truth.json: what each server received.
set -eu
port=${1:-44380}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
rm -f tls-old.keys
tcpdump -i lo --immediate-mode -U -w tls-old.pcap "tcp portrange $port-$((port + 5))" 2>/dev/null &
dump=$!
sleep 1
talk() { # PORT VERSION CIPHER OPTION…
    at=$1 version=$2 cipher=$3
    shift 3
    sleep 4 | timeout 6 openssl s_server -accept "$at" -cert "$folder/cert.pem" -naccept 1 -quiet \
        -key "$folder/key.pem" "-$version" -cipher "$cipher:@SECLEVEL=0" "$@" \
        > "$folder/$at" 2>/dev/null &
    sleep 1
    (sleep 0.5; echo "first over $version"; sleep 0.5; echo "second over $version"; sleep 0.5) |
        timeout 4 openssl s_client -connect "localhost:$at" "-$version" -quiet \
            -cipher "$cipher:@SECLEVEL=0" -keylogfile tls-old.keys >/dev/null 2>&1 || true
}
talk "$port" tls1 ECDHE-RSA-AES128-SHA
talk "$((port + 1))" tls1 AES256-SHA
talk "$((port + 2))" tls1_1 ECDHE-RSA-AES256-SHA
talk "$((port + 3))" tls1_1 AES128-SHA
talk "$((port + 4))" tls1_2 ECDHE-RSA-AES128-SHA256 -no_etm
talk "$((port + 5))" tls1_2 ECDHE-RSA-AES256-SHA384
sleep 2
kill $dump
wait $dump || true
{
    printf '{\n "received_by_the_server_on_port": {'
    comma=
    for at in $(seq "$port" "$((port + 5))"); do
        text=$(awk '{ printf "%s\\n", $0 }' "$folder/$at")
        printf '%s\n  "%s": ["%s"]' "$comma" "$at" "$text"
        comma=,
    done
    printf '\n }\n}\n'
} > tls-old.truth.json
