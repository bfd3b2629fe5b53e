#!/bin/sh
# Records turns that a connection over TLS 1.3 may take, with OpenSSL's s_client and s_server on
# loopback: HelloRetryRequest, KeyUpdate in both directions, resumption, 0-RTT data that is accepted
# and such that is refused. Prints what the servers received; tls-turns.pcap and tls-turns.keys remain.
set -eu
port=${1:-44330}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
rm -f tls-turns.keys
tcpdump -i lo -U -w tls-turns.pcap "tcp portrange $port-$((port + 1))" 2>/dev/null &
dump=$!
sleep 1
server() { # PORT CONNECTIONS OPTIONS
    at=$1 count=$2
    shift 2
    sleep 12 | openssl s_server -accept "$at" -cert "$folder/cert.pem" -key "$folder/key.pem" \
        -tls1_3 -early_data -quiet -naccept "$count" "$@" > "$folder/server-$at" 2>/dev/null &
}
client() { # PORT OPTIONS
    at=$1
    shift
    openssl s_client -connect "localhost:$at" -servername localhost -tls1_3 \
        -groups X25519:P-384 -keylogfile tls-turns.keys "$@" 2>/dev/null >/dev/null
}
# The first server allows P-384 only, which the client does not guess: a HelloRetryRequest.
server "$port" 2 -groups P-384
server "$((port + 1))" 2
sleep 1
# k: KeyUpdate; K: KeyUpdate that asks the peer for one as well; Q: the end.
(sleep 0.5; echo "before the first KeyUpdate"; sleep 0.3; echo k; sleep 0.3; echo "after the first"
 sleep 0.3; echo K; sleep 0.3; echo "after the second"; sleep 0.3; echo Q) | client "$port"
printf 'sent before the handshake was over\n' > "$folder/early"
(sleep 0.5; echo "the first visit"; sleep 0.3; echo Q) |
    client "$((port + 1))" -sess_out "$folder/session"
(sleep 0.5; echo "and this after it"; sleep 0.3; echo Q) |
    client "$((port + 1))" -sess_in "$folder/session" -early_data "$folder/early"
printf 'this the server has to throw away\n' > "$folder/early"
(sleep 0.5; echo "another server"; sleep 0.3; echo Q) |
    client "$port" -sess_in "$folder/session" -early_data "$folder/early"
sleep 1
kill $dump
wait $dump || true
cat "$folder/server-$port"
echo --
cat "$folder/server-$((port + 1))"
