//! One message or control frame to be said, from its fields: correct by default, and each field
//! can be set to something else.

use super::{Deflater, Frame, LengthForm, Numbers};
use crate::said::Endpoint;
use crate::websocket::Opcode;
use crate::websocket::mask::MaskingKey;

/// Which masking key a frame gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mask {
    /// As RFC 6455 §5.1 wants it: a new one from the client, none from the server.
    #[default]
    AsDue,
    /// This one.
    Key(MaskingKey),
    /// None.
    Without,
}

/// What is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// The opcode of the first frame.
    pub opcode: Opcode,
    /// The payload, neither compressed nor masked.
    pub payload: Vec<u8>,
    /// Into how many frames it is cut; 1 is one frame.
    pub fragments: usize,
    /// FIN of the last frame.
    pub fin: bool,
    /// Reserved bits that are set besides compression's: RSV1 is 4, RSV2 2, RSV3 1.
    pub rsv: u8,
    /// The masking key of the first frame; the other fragments have keys of their own.
    pub mask: Mask,
    /// The form of the length; none: the shortest.
    pub form: Option<LengthForm>,
}

impl Saying {
    /// One correct frame.
    pub fn new(opcode: Opcode, payload: &[u8]) -> Saying {
        Saying {
            opcode,
            payload: payload.to_vec(),
            fragments: 1,
            fin: true,
            rsv: 0,
            mask: Mask::AsDue,
            form: None,
        }
    }

    /// Says what keeps the frames from being built: a length that its form can't hold.
    pub fn check(&self) -> Result<(), String> {
        let longest = self.payload.len().div_ceil(self.fragments.max(1)) as u64;
        match self.form {
            Some(form) if !form.holds(longest) => Err(format!(
                "a length of {longest} does not fit into the form asked for: expected 16 bits from \
                 126 on, 64 from 65536 on"
            )),
            _ => Ok(()),
        }
    }

    /// The frames, as that endpoint sends them; compressed if there is a compressor and the frame
    /// begins a message (RFC 7692 §6.1).
    pub fn frames(
        &self,
        from: Endpoint,
        numbers: &mut Numbers,
        deflater: Option<&mut Deflater>,
    ) -> Vec<Frame> {
        let key = match self.mask {
            Mask::AsDue => (from == Endpoint::Client).then(|| numbers.masking_key()),
            Mask::Key(key) => Some(key),
            Mask::Without => None,
        };
        let begins_message = matches!(self.opcode, Opcode::Text | Opcode::Binary);
        let (payload, rsv1) = match deflater.filter(|_| begins_message) {
            Some(deflater) => (deflater.deflate(&self.payload), 4),
            None => (self.payload.clone(), 0),
        };
        let whole =
            Frame::new(self.opcode, &payload, key).with_rsv(self.rsv | rsv1).with_fin(self.fin);
        let frames = whole.fragments(self.fragments, numbers);
        match self.form {
            Some(form) => frames.into_iter().map(|frame| frame.with_form(form)).collect(),
            None => frames,
        }
    }
}
