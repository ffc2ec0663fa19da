//! A private key in a token: a card, a security module, or whatever else speaks PKCS#11 (Cryptoki 2.40 and later).
//!
//! The key never leaves the token, and is found by the labels of token and key. Its public half is told by the caller, who has it in a
//! certificate, or read from the token where there is none ([`TokenKey::open_ed25519`]); that the two belong together is found out by a signature, made
//! and verified, whenever a session is opened.
//!
//! What a token does takes as long as the token wants, and it can be pulled out. So:
//!
//! - **A bounded pool of sessions** ([`TokenPlace::sessions`]), opened when they are needed. A session does one operation at a time; who finds none
//!   free waits, for [`PATIENCE`] at most, and at most [`WAITING`] do. Whoever must not wait (a task of an asynchronous runtime) sees to it that
//!   this runs where waiting harms nobody: [`KeyHandle::is_outside`] says that it may come to that.
//! - **A session that fails is given up with all that lie idle**, and the operation is tried once more with a new one: token looked for by its
//!   label, login, key. Where that fails too the answer is [`KeyError::Unavailable`], and for [`REST`] nobody tries again: a module that is asked
//!   for a token that is not there can take its time.
//! - **A PIN that was wrong once is not tried again**: tokens lock themselves after a few. Nor is one given to a token that says of itself
//!   that it has one try left. The PIN is asked for at each login and forgotten after it.
//!
//! - **A module that has lost sight of its token begins anew** (`C_Finalize`, `C_Initialize`): SoftHSM, for one, knows the tokens that it found at
//!   the beginning and no others. That takes every session of the process with it, so it is done only where this one had begun it, and
//!   while no session of ours is open.
//!
//! Modules are libraries in C that run in this process with all of its rights: naming one in a configuration is trusting it.
//!
//! ECDSA over digests that are made here (`CKM_ECDSA`, PKCS#11 3.0 current mechanisms, 2.3.6): every token has that, and whether one
//! hashes by itself does not matter. Ed25519 over the message itself (`CKM_EDDSA` without parameters, 2.3.14), which newer tokens have.

mod edwards;
mod pool;

pub use edwards::make_ed25519;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

use crate::asn1;
use crate::digest::{Digest, digest};
use crate::dstu4145::Cofactor;
use crate::key::{KeyError, KeyHandle, KeyKind, PublicKey};
use crate::signature::SignatureAlgorithm;
use pool::Pool;

/// How long an operation waits for a session.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How many operations wait for a session. One more is refused at once.
pub const WAITING: usize = 256;

/// How long a token that failed is left alone.
pub const REST: Duration = Duration::from_secs(1);

/// Asks for the PIN: in UTF-8, without a line end.
pub type AskPin = Box<dyn Fn() -> io::Result<Zeroizing<String>> + Send + Sync>;

/// Where a key is.
pub struct TokenPlace {
    /// The module: a dynamic library, for example `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: PathBuf,
    /// The token, by its label.
    pub token: String,
    /// The private key, by its label. There is one of that label in the token.
    pub key: String,
    /// Sessions at the same time, at least 1.
    pub sessions: usize,
    /// Asked at each login.
    pub pin: AskPin,
}

/// Why a token cannot be used. None of them tells the PIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The library cannot be loaded, or is none of PKCS#11.
    #[error("the module cannot be used: {0}")]
    Module(String),
    /// No token, or several, of that label.
    #[error("{0} tokens have the label {1:?}; one is needed")]
    Tokens(usize, String),
    /// No private key, or several, of that label.
    #[error("{0} private keys in the token have the label {1:?}; one is needed")]
    Keys(usize, String),
    /// The PIN cannot be asked for.
    #[error("the PIN cannot be read: {0}")]
    NoPin(String),
    /// The token does not take the PIN. It is not tried again.
    #[error("the token does not take the PIN, and it is not tried again: {0}")]
    PinRefused(String),
    /// The token counts wrong PINs and has one try left, which is its owner's.
    #[error("the token has one try left for its PIN; log in to it by hand first")]
    LastTry,
    /// What the token signs does not verify under the public key.
    #[error("the private key in the token does not belong to the certificate, or to the public key beside it")]
    OtherKey,
    /// No public key, or several, of that label and of the kind that is needed.
    #[error("{0} Ed25519 public keys in the token have the label {1:?}; one is needed")]
    PublicKeys(usize, String),
    /// There is one, which is not what it should be.
    #[error("the token has a public key {0}")]
    PublicKey(&'static str),
    /// A key was to be made, and there is something of its label.
    #[error("the token has an object with the label {0:?} already")]
    Taken(String),
    /// The token does something else than it should.
    #[error("the token failed: {0}")]
    Failed(String),
    /// Every session is at work, and as many operations wait as may.
    #[error("the token is slower than it is asked")]
    Busy,
}

impl TokenError {
    /// Trying again by itself would do harm.
    fn is_for_good(&self) -> bool {
        matches!(self, Self::PinRefused(_))
    }
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        Self::Failed(named(&error))
    }
}

/// The name of what failed, without the sentences that PKCS#11 has for it.
fn named(error: &Error) -> String {
    match error {
        Error::Pkcs11(code, function) => format!("{code:?} from {function:?}"),
        other => other.to_string(),
    }
}

/// A key in a token.
pub struct TokenKey {
    public: PublicKey,
    pool: Pool<Token>,
}

/// The way to the key.
struct Token {
    module: Pkcs11,
    /// The module was begun here, and may be begun anew here.
    is_ours: bool,
    /// Held by every session: who is alone with it has none open.
    sessions: Arc<()>,
    place: TokenPlace,
    public: PublicKey,
}

/// A session that has logged in and found the key.
struct Signing {
    session: Session,
    key: ObjectHandle,
    /// Let go after the session is closed: fields are dropped in this order.
    _open: Arc<()>,
}

impl TokenKey {
    /// Loads the module, logs in, finds the key, and sees whether it is the private half of `public`, which is a key on a named curve.
    ///
    /// # Errors
    /// [`TokenError`]; of a key that is none on a curve it is `OtherKey`.
    pub fn open(place: TokenPlace, public: PublicKey) -> Result<Self, TokenError> {
        if !matches!(public.kind(), KeyKind::Ec(_) | KeyKind::Ed25519) {
            return Err(TokenError::OtherKey);
        }
        Self::open_by(load(&place.module)?, place, public)
    }

    /// The same with an Ed25519 key, whose public half the token tells.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_ed25519(place: TokenPlace) -> Result<Self, TokenError> {
        let (module, is_ours) = load(&place.module)?;
        let session = module.open_ro_session(slot(&module, &place.token)?)?;
        // Some tokens show public keys to nobody who has not logged in.
        login(&session, &place)?;
        let public = edwards::public_key(&session, &place.key)?;
        drop(session);
        Self::open_by((module, is_ours), place, public)
    }

    fn open_by((module, is_ours): (Pkcs11, bool), place: TokenPlace, public: PublicKey) -> Result<Self, TokenError> {
        let most = place.sessions.max(1);
        let token = Token { module, is_ours, sessions: Arc::default(), place, public: public.clone() };
        Ok(Self { public, pool: Pool::open(token, most)? })
    }
}

impl pool::Source for Token {
    type Session = Signing;

    fn connect(&self) -> Result<Signing, TokenError> {
        match self.open() {
            Err(TokenError::Tokens(0, _) | TokenError::Failed(_)) if self.begins_anew() => self.open(),
            opened => opened,
        }
    }
}

/// Loads a module and begins it; true: it was begun here.
fn load(module: &Path) -> Result<(Pkcs11, bool), TokenError> {
    let module = Pkcs11::new(module).map_err(|error| TokenError::Module(named(&error)))?;
    match begin(&module) {
        Ok(()) => Ok((module, true)),
        // Somebody else in this process was first.
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok((module, false)),
        Err(error) => Err(TokenError::Module(named(&error))),
    }
}

fn begin(module: &Pkcs11) -> Result<(), Error> {
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
}

impl Token {
    /// Ends the module and begins it anew, where that harms nobody. Called from [`pool::Source::connect`] alone, which is one at a time: nobody else is
    /// inside the module without a session.
    fn begins_anew(&self) -> bool {
        if !self.is_ours || Arc::strong_count(&self.sessions) > 1 {
            return false;
        }
        // A module that is not begun cannot be ended; that it can be begun is what counts.
        let _ = self.module.clone().finalize();
        begin(&self.module).is_ok()
    }

    fn open(&self) -> Result<Signing, TokenError> {
        let open = Arc::clone(&self.sessions);
        let session = self.module.open_ro_session(slot(&self.module, &self.place.token)?)?;
        login(&session, &self.place)?;
        let wanted = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(self.place.key.as_bytes().to_vec())];
        let [key] = session.find_objects(&wanted)?[..] else {
            let found = session.find_objects(&wanted)?.len();
            return Err(TokenError::Keys(found, self.place.key.clone()));
        };
        let signing = Signing { session, key, _open: open };
        self.prove(&signing)?;
        Ok(signing)
    }

    /// A signature over something that nobody could take for anything else, verified under the public key.
    fn prove(&self, signing: &Signing) -> Result<(), TokenError> {
        let algorithm = match self.public.kind() {
            KeyKind::Ed25519 => SignatureAlgorithm::Ed25519,
            _ => SignatureAlgorithm::Ecdsa(crate::digest::DigestAlgorithm::Sha256),
        };
        // Without a line end: no text of a signed note either.
        let message = b"vuzol: does this key belong to its certificate?";
        let asked = Asked::of(&self.public, algorithm, message).map_err(|_| TokenError::OtherKey)?;
        let made = signing.sign(&asked)?;
        self.public.verify(algorithm, message, &made).map_err(|_| TokenError::OtherKey)
    }
}

/// The one slot with the token.
fn slot(module: &Pkcs11, wanted: &str) -> Result<Slot, TokenError> {
    let mut found = Vec::new();
    for slot in module.get_slots_with_token()? {
        // Of a token that goes away at this moment nothing is known any more.
        let Ok(token) = module.get_token_info(slot) else { continue };
        if token.label().trim_end() == wanted {
            if token.user_pin_final_try() {
                return Err(TokenError::LastTry);
            }
            found.push(slot);
        }
    }
    match found[..] {
        [slot] => Ok(slot),
        _ => Err(TokenError::Tokens(found.len(), wanted.to_owned())),
    }
}

fn login(session: &Session, place: &TokenPlace) -> Result<(), TokenError> {
    let asked = (place.pin)().map_err(|error| TokenError::NoPin(error.to_string()))?;
    // At its exact size, so that making a secret of it moves nothing and leaves no copy behind. Both are zeroized when they are dropped.
    let mut exact = String::with_capacity(asked.len());
    exact.push_str(&asked);
    let pin = AuthPin::from(exact);
    match session.login(UserType::User, Some(&pin)) {
        // A login is one of the process, not of the session.
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        Err(error @ Error::Pkcs11(code, _)) if refuses_pin(code) => Err(TokenError::PinRefused(named(&error))),
        Err(error) => Err(error.into()),
    }
}

/// Whether the answer to a login is one about the PIN, after which the next wrong one may be the last.
fn refuses_pin(code: RvError) -> bool {
    matches!(
        code,
        RvError::PinIncorrect
            | RvError::PinInvalid
            | RvError::PinLenRange
            | RvError::PinExpired
            | RvError::PinLocked
            | RvError::UserPinNotInitialized
    )
}

/// What a session is asked for.
enum Asked<'m> {
    /// ECDSA over a digest; r and s are of this length.
    Ecdsa(Digest, usize),
    /// Ed25519 over a message.
    Ed25519(&'m [u8]),
}

impl<'m> Asked<'m> {
    fn of(public: &PublicKey, algorithm: SignatureAlgorithm, message: &'m [u8]) -> Result<Self, KeyError> {
        match (public.kind(), algorithm) {
            (KeyKind::Ed25519, SignatureAlgorithm::Ed25519) => Ok(Self::Ed25519(message)),
            (KeyKind::Ec(curve), algorithm) if algorithm.belongs_to(public.kind()) => {
                let hash = algorithm.digest_algorithm().ok_or(KeyError::WrongOperation)?;
                Ok(Self::Ecdsa(digest(hash, message), curve.field_len()))
            }
            _ => Err(KeyError::WrongOperation),
        }
    }
}

/// Octets of an Ed25519 signature (RFC 8032, 5.1.6).
const ED25519_SIGNATURE: usize = 64;

impl Signing {
    /// ECDSA as DER, Ed25519 as it is.
    fn sign(&self, asked: &Asked<'_>) -> Result<Vec<u8>, TokenError> {
        let (raw, expected) = match asked {
            Asked::Ecdsa(digest, length) => {
                (self.session.sign(&Mechanism::Ecdsa, self.key, digest.as_bytes())?, 2 * length)
            }
            Asked::Ed25519(message) => {
                let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
                (self.session.sign(&mechanism, self.key, message)?, ED25519_SIGNATURE)
            }
        };
        if raw.len() != expected {
            return Err(TokenError::Failed(format!("a signature of {} bytes", raw.len())));
        }
        match asked {
            Asked::Ecdsa(_, length) => {
                let (r, s) = raw.split_at(*length);
                Ok(asn1::element(asn1::TAG_SEQUENCE, &[&asn1::unsigned_integer(r), &asn1::unsigned_integer(s)]))
            }
            Asked::Ed25519(_) => Ok(raw),
        }
    }
}

impl KeyHandle for TokenKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, algorithm: SignatureAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let asked = Asked::of(&self.public, algorithm, message)?;
        self.pool.run(|signing: &Signing| signing.sign(&asked)).map_err(|_| KeyError::Unavailable)
    }

    /// Not served: evidence needs no agreement.
    fn agree(&self, _: &PublicKey, _: Cofactor) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Err(KeyError::UnsupportedAlgorithm)
    }

    fn decrypt_rsa_oaep(&self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Err(KeyError::WrongOperation)
    }

    fn is_outside(&self) -> bool {
        true
    }

    fn complaint(&self) -> Option<String> {
        self.pool.complaint().map(|error| error.to_string())
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TokenKey").field("kind", &self.public.kind()).finish_non_exhaustive()
    }
}
