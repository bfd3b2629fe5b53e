//! Names that travel in `Sec-WebSocket-Protocol` (RFC 6455 §1.9, §11.5): what is known of them.
//! Registration is voluntary, so a name that is not here is not wrong.

/// The header.
pub const HEADER: &str = "Sec-WebSocket-Protocol";

/// What a subprotocol's messages are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payload {
    /// Text messages.
    Text,
    /// Binary messages.
    Binary,
    /// Either, or nobody knows.
    Either,
}

/// A known subprotocol.
#[derive(Debug, PartialEq, Eq)]
pub struct Subprotocol {
    /// The name, compared exactly (RFC 7936 §2).
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// What its messages are made of.
    pub payload: Payload,
    /// It is in the IANA registry.
    pub registered: bool,
}

/// What is known of a name.
pub fn find(name: &[u8]) -> Option<&'static Subprotocol> {
    KNOWN.iter().find(|known| known.name.as_bytes() == name)
}

const fn registered(name: &'static str, about: &'static str, payload: Payload) -> Subprotocol {
    Subprotocol { name, about, payload, registered: true }
}

const fn private(name: &'static str, about: &'static str, payload: Payload) -> Subprotocol {
    Subprotocol { name, about, payload, registered: false }
}

use Payload::{Binary, Either, Text};

/// The IANA registry as far as it is known here, then common names that are not in it.
pub static KNOWN: &[Subprotocol] = &[
    registered("MBWS.huawei.com", "a message broker", Either),
    registered("MBLWS.huawei.com", "a message broker", Either),
    registered("soap", "SOAP", Either),
    registered("wamp", "WAMP 1", Text),
    registered("v10.stomp", "STOMP 1.0", Either),
    registered("v11.stomp", "STOMP 1.1", Either),
    registered("v12.stomp", "STOMP 1.2", Either),
    registered("ocpp1.2", "the Open Charge Point Protocol", Text),
    registered("ocpp1.5", "the Open Charge Point Protocol", Text),
    registered("ocpp1.6", "the Open Charge Point Protocol", Text),
    registered("ocpp2.0", "the Open Charge Point Protocol", Text),
    registered("ocpp2.0.1", "the Open Charge Point Protocol", Text),
    registered("rfb", "VNC's remote framebuffer", Binary),
    registered("sip", "SIP (RFC 7118)", Either),
    registered("notificationchannel-netapi-rest.openmobilealliance.org", "OMA notifications", Text),
    registered("wpcp", "web process control", Text),
    registered("rwpcp", "reverse web process control", Text),
    registered("amqp", "AMQP 1.0", Binary),
    registered("mqtt", "MQTT", Binary),
    registered("jsflow", "jsFlow", Text),
    registered("xmpp", "XMPP (RFC 7395)", Text),
    registered("ship", "Smart Home IP", Binary),
    registered("mielecloudconnect", "Miele appliances", Either),
    registered("v10.pcp.sap.com", "SAP's push channel", Text),
    registered("msrp", "MSRP (RFC 7977)", Either),
    registered("v1.saltyrtc.org", "SaltyRTC", Binary),
    registered("TLCP-2.0.0.lightstreamer.com", "Lightstreamer", Text),
    registered("TLCP-2.1.0.lightstreamer.com", "Lightstreamer", Text),
    registered("TLCP-2.2.0.lightstreamer.com", "Lightstreamer", Text),
    registered("TLCP-2.3.0.lightstreamer.com", "Lightstreamer", Text),
    registered("TLCP-2.4.0.lightstreamer.com", "Lightstreamer", Text),
    registered("TLCP-2.5.0.lightstreamer.com", "Lightstreamer", Text),
    registered("bfcp", "floor control (RFC 8857)", Binary),
    registered("sldp.softvelum.com", "Softvelum streaming", Binary),
    registered("webrtc.softvelum.com", "Softvelum signalling", Text),
    registered("opcua+uacp", "OPC UA", Binary),
    registered("opcua+uajson", "OPC UA in JSON", Text),
    registered("v1.swindon-lattice+json", "the Swindon server", Text),
    registered("v1.usp", "TR-369 USP", Binary),
    registered("mles-websocket", "Mles", Binary),
    registered("coap", "CoAP (RFC 8323)", Binary),
    registered("sqlnet.oracle.com", "Oracle Net", Binary),
    registered("oneM2M.R2.0.json", "oneM2M in JSON", Text),
    registered("oneM2M.R2.0.xml", "oneM2M in XML", Text),
    registered("oneM2M.R2.0.cbor", "oneM2M in CBOR", Binary),
    registered("transit", "Transit", Either),
    registered("clue", "CLUE", Either),
    registered("drp", "DRP", Either),
    registered("done", "DONE", Either),
    registered("t140", "T.140 text conversation", Either),
    registered("collection-update", "collection updates", Either),
    registered("2016.serverpush.dash.mpeg.org", "MPEG DASH server push", Either),
    registered("2018.mmt.mpeg.org", "MPEG media transport", Either),
    registered("cobra.v2.json", "Cobra", Text),
    registered("hub.bsc.bacnet.org", "BACnet/SC", Binary),
    registered("dc.bsc.bacnet.org", "BACnet/SC", Binary),
    registered("jmap", "JMAP (RFC 8887)", Text),
    registered("text.ircv3.net", "IRC in text", Text),
    registered("binary.ircv3.net", "IRC in binary", Binary),
    registered("v3.penguin-stats.live+proto", "Penguin Stats", Binary),
    private("graphql-transport-ws", "GraphQL, as the library graphql-ws speaks it", Text),
    private("graphql-ws", "GraphQL, the older protocol of subscriptions-transport-ws", Text),
    private("actioncable-v1-json", "Rails Action Cable", Text),
    private("actioncable-unsupported", "Rails Action Cable's refusal", Text),
    private("wamp.2.json", "WAMP 2 in JSON", Text),
    private("wamp.2.msgpack", "WAMP 2 in MessagePack", Binary),
    private("wamp.2.cbor", "WAMP 2 in CBOR", Binary),
    private("mqttv3.1", "MQTT 3.1", Binary),
    private("json.webpubsub.azure.v1", "Azure Web PubSub in JSON", Text),
    private("protobuf.webpubsub.azure.v1", "Azure Web PubSub in Protobuf", Binary),
    private("v4.channel.k8s.io", "Kubernetes exec and attach", Binary),
    private("v5.channel.k8s.io", "Kubernetes exec and attach", Binary),
    private("vite-hmr", "Vite's development server", Text),
    private("vite-ping", "Vite's development server", Text),
    private("binary", "websockify, as noVNC uses it", Binary),
    private("base64", "websockify, for clients without binary messages", Text),
    private("tty", "ttyd", Binary),
    private("janus-protocol", "the Janus gateway", Text),
    private("chat", "a sample name of RFC 6455", Either),
    private("superchat", "a sample name of RFC 6455", Either),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_known_names_differ_only_in_case() {
        for (index, known) in KNOWN.iter().enumerate() {
            let twin = KNOWN[..index].iter().find(|k| k.name.eq_ignore_ascii_case(known.name));
            assert_eq!(twin, None, "{}", known.name);
        }
    }
}
