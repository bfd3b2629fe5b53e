//! What records in the clear and handshake messages mean for a connection: which keys protect what
//! follows (RFC 8446 §4, RFC 5246 §7.4).

use super::alert;
use super::cipher::Opener;
use super::compression::DEFLATE;
use super::direction::{Epoch, Keys};
use super::hello::{ClientHello, EncryptedExtensions, ServerHello};
use super::message::{
    CLIENT_HELLO, ENCRYPTED_EXTENSIONS, END_OF_EARLY_DATA, FINISHED, KEY_UPDATE, SERVER_HELLO,
};
use super::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Header};
use super::schedule::Secret;
use super::session::{Context, Flow, Origin, Session};
use crate::said::{Endpoint, Listener, OpaqueReason, Said, TlsVersion};

impl Session {
    /// A record before anything is protected.
    pub(super) fn clear_record<L: Listener>(
        &mut self,
        from: Endpoint,
        header: Header,
        body: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        match header.content_type {
            HANDSHAKE => self.messages(from, body, origin, context),
            CHANGE_CIPHER_SPEC => self.change_cipher_spec(from, context),
            ALERT => {
                self.alert(from, body, origin, context);
                Flow::Go
            }
            APPLICATION_DATA if self.server_hello.is_none() => {
                if self.directions[from.index()].may_skip { Flow::Go } else { Flow::Wait }
            }
            APPLICATION_DATA if self.is_tls_1_3() => Flow::Go,
            // What switched to keys was lost.
            APPLICATION_DATA => match self.change_cipher_spec(from, context) {
                Flow::Go => {
                    self.lose_number(from, header, body, origin, context);
                    Flow::Go
                }
                flow => flow,
            },
            _ => Flow::Go,
        }
    }

    fn is_tls_1_3(&self) -> bool {
        self.server_hello.as_ref().is_some_and(|hello| hello.version > TlsVersion::TLS_1_2)
    }

    /// The bytes of handshake records.
    pub(super) fn messages<L: Listener>(
        &mut self,
        from: Endpoint,
        mut bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) -> Flow {
        if self.directions[from.index()].adrift {
            return Flow::Go;
        }
        while let Some((kind, body, rest)) = self.directions[from.index()].messages.next(bytes) {
            bytes = rest;
            self.message(from, kind, &body, context);
        }
        let _ = origin;
        Flow::Go
    }

    fn message<L: Listener>(
        &mut self,
        from: Endpoint,
        kind: u8,
        body: &[u8],
        context: &mut Context<'_, L>,
    ) {
        let epoch = self.directions[from.index()].epoch;
        match kind {
            CLIENT_HELLO => {
                context.desk.counts.renegotiations += u64::from(epoch == Epoch::Traffic);
                self.client_hello(body);
            }
            SERVER_HELLO => self.server_hello(body),
            ENCRYPTED_EXTENSIONS if epoch == Epoch::Handshake => {
                self.encrypted_extensions(body);
            }
            END_OF_EARLY_DATA if epoch == Epoch::Early => {
                self.directions[from.index()].enter(Epoch::Handshake);
            }
            FINISHED if epoch == Epoch::Handshake => {
                self.directions[from.index()].enter(Epoch::Traffic);
            }
            KEY_UPDATE if epoch == Epoch::Traffic && self.is_tls_1_3() => {
                if let Some(keys) = self.next_generation(from) {
                    context.desk.counts.key_updates += 1;
                    self.directions[from.index()].keys = Some(Box::new(keys));
                }
            }
            _ => {}
        }
    }

    fn client_hello(&mut self, body: &[u8]) {
        let Some(hello) = ClientHello::read(body) else { return };
        let is_retry = self.client_random == Some(hello.random);
        if !is_retry {
            // The first one, or a renegotiation.
            self.server_hello = None;
            self.secrets = None;
            self.looked_at = None;
        }
        self.client_random = Some(hello.random);
        self.awaits_early = hello.early_data && !is_retry;
        self.tls.client_hello_seen = true;
        self.tls.server_name = hello.server_name;
        self.tls.encrypted_client_hello = hello.encrypted;
        self.tls.offered_protocols = hello.protocols;
    }

    fn server_hello(&mut self, body: &[u8]) {
        let Some(hello) = ServerHello::read(body) else { return };
        self.tls.version = Some(hello.version);
        self.tls.cipher_suite = Some((hello.suite.number, hello.suite.name));
        self.tls.protocol = hello.protocol.clone().or(self.tls.protocol.take());
        if hello.is_retry {
            // What the client sent early, before it knew, the server throws away.
            let refused = std::mem::take(&mut self.awaits_early);
            self.directions[Endpoint::Client.index()].may_skip |= refused;
            return;
        }
        if hello.version > TlsVersion::TLS_1_2 {
            for direction in &mut self.directions {
                direction.enter(Epoch::Handshake);
            }
        } else {
            self.awaits_early = false;
        }
        self.server_hello = Some(Box::new(hello));
    }

    fn encrypted_extensions(&mut self, body: &[u8]) {
        let found = EncryptedExtensions::read(body);
        self.tls.protocol = found.protocol.or(self.tls.protocol.take());
        let client = &mut self.directions[Endpoint::Client.index()];
        if std::mem::take(&mut self.awaits_early) && client.epoch == Epoch::Handshake {
            if found.early_data {
                client.enter(Epoch::Early);
            } else {
                // What the client sent early was thrown away by the server.
                client.may_skip = true;
            }
        }
    }

    /// From here on this endpoint's records are protected; TLS 1.3 has it for show only.
    pub(super) fn change_cipher_spec<L>(
        &mut self,
        from: Endpoint,
        context: &mut Context<'_, L>,
    ) -> Flow {
        let Some(hello) = &self.server_hello else {
            // Between two ClientHellos, or before 0-RTT data.
            let is_for_show = self.awaits_early || self.tls.version > Some(TlsVersion::TLS_1_2);
            return if is_for_show { Flow::Go } else { Flow::Wait };
        };
        if hello.version > TlsVersion::TLS_1_2 {
            return Flow::Go;
        }
        let is_compressed = hello.compression == DEFLATE;
        match self.keys_of_master(from, context) {
            Ok(keys) => {
                let direction = &mut self.directions[from.index()];
                direction.enter(Epoch::Traffic);
                direction.inflater = is_compressed.then(Box::default);
                direction.keys = Some(Box::new(keys));
                Flow::Go
            }
            Err(flow) => flow,
        }
    }

    /// An alert, in the clear or not.
    pub(super) fn alert<L: Listener>(
        &mut self,
        from: Endpoint,
        body: &[u8],
        origin: Origin,
        context: &mut Context<'_, L>,
    ) {
        let &[_, description] = body else { return };
        if description == alert::CLOSE_NOTIFY {
            self.say(Said::CloseNotify { from, at: origin.at }, context);
        } else {
            self.alert.get_or_insert((from, alert::name(description)));
        }
    }

    /// True if what waits in this direction would wait again.
    pub(super) fn must_wait<L>(&mut self, from: Endpoint, context: &mut Context<'_, L>) -> bool {
        let is_early = from == Endpoint::Client && self.awaits_early;
        match self.server_hello {
            None => is_early || !self.directions[from.index()].may_skip,
            Some(_) => is_early || !self.find_secrets(context),
        }
    }

    /// Looks the connection's secrets up, once for each state of the key log.
    pub(super) fn find_secrets<L>(&mut self, context: &mut Context<'_, L>) -> bool {
        let log = &mut context.desk.log;
        if self.looked_at == Some(log.generation) {
            return self.secrets.is_some();
        }
        let Some(random) = &self.client_random else { return false };
        let session = self.server_hello.as_ref().map_or(&[][..], |hello| &hello.session);
        if self.looked_at.is_none() && log.find(random, session).is_none() {
            log.refresh();
        }
        self.looked_at = Some(log.generation);
        self.secrets = log.find(random, session).map(|found| Box::new(found.clone()));
        self.secrets.is_some()
    }

    /// What to do without secrets.
    fn without_secrets<L>(&self, context: &Context<'_, L>) -> Flow {
        let may_come = context.desk.more_may_come || self.client_random.is_none();
        if may_come { Flow::Wait } else { Flow::Close(self.reason_to_wait(context)) }
    }

    /// The keys of one endpoint before TLS 1.3.
    fn keys_of_master<L>(
        &mut self,
        from: Endpoint,
        context: &mut Context<'_, L>,
    ) -> Result<Keys, Flow> {
        let is_found = self.find_secrets(context);
        let Some(hello) = &self.server_hello else { return Err(Flow::Wait) };
        let is_known = hello.version >= TlsVersion::TLS_1_0 && hello.compression <= DEFLATE;
        if hello.suite.bulk().is_none() || !is_known {
            return Err(Flow::Close(OpaqueReason::Unsupported));
        }
        let (true, Some(random)) = (is_found, &self.client_random) else {
            return Err(self.without_secrets(context));
        };
        let master = self.secrets.as_ref().and_then(|secrets| secrets.master());
        let Some(master) = master else { return Err(self.without_secrets(context)) };
        let randoms = [random, &hello.random];
        let openers =
            Opener::of_master(master, hello.suite, hello.version, randoms, hello.encrypt_then_mac);
        let [client, server] = openers.ok_or(Flow::Close(OpaqueReason::Unsupported))?;
        let opener = if from == Endpoint::Client { client } else { server };
        Ok(Keys { opener, sequence: 0, secret: None })
    }

    /// The keys of the epoch that a direction is in, made when its first record comes.
    pub(super) fn ensure_keys<L>(&mut self, from: Endpoint, context: &mut Context<'_, L>) -> Flow {
        if self.directions[from.index()].keys.is_some() {
            return Flow::Go;
        }
        if from == Endpoint::Client && self.awaits_early {
            return Flow::Wait;
        }
        if !self.is_tls_1_3() {
            return self.change_cipher_spec(from, context);
        }
        let suite = self.server_hello.as_ref().map(|hello| hello.suite);
        if suite.is_none_or(|suite| suite.bulk().is_none() || !suite.is_of_tls_1_3()) {
            return Flow::Close(OpaqueReason::Unsupported);
        }
        if !self.find_secrets(context) {
            return self.without_secrets(context);
        }
        let mut keys = self.keys_of_epoch(from, self.directions[from.index()].epoch);
        if keys.is_none() && self.directions[from.index()].epoch != Epoch::Traffic {
            // Without these the records of the handshake stay closed; application data need not.
            keys = self.keys_of_epoch(from, Epoch::Traffic);
            if keys.is_some() {
                self.directions[from.index()].enter(Epoch::Traffic);
                self.directions[from.index()].may_skip = true;
            }
        }
        let Some(keys) = keys else { return self.without_secrets(context) };
        self.directions[from.index()].keys = Some(Box::new(keys));
        Flow::Go
    }

    /// The first keys of an epoch of TLS 1.3.
    pub(super) fn keys_of_epoch(&self, from: Endpoint, epoch: Epoch) -> Option<Keys> {
        let secrets = self.secrets.as_ref()?;
        let secret = match epoch {
            Epoch::Clear => None,
            Epoch::Early => secrets.early(),
            Epoch::Handshake => secrets.handshake(from),
            Epoch::Traffic => secrets.traffic(from),
        };
        self.keys_of_secret(*secret?)
    }

    /// The keys after a KeyUpdate.
    pub(super) fn next_generation(&self, from: Endpoint) -> Option<Keys> {
        let secret = self.directions[from.index()].keys.as_ref()?.secret?;
        let hash = self.server_hello.as_ref()?.suite.hash();
        self.keys_of_secret(secret.next_generation(hash))
    }

    fn keys_of_secret(&self, secret: Secret) -> Option<Keys> {
        let opener = Opener::of_secret(&secret, self.server_hello.as_ref()?.suite)?;
        Some(Keys { opener, sequence: 0, secret: Some(secret) })
    }
}
