//! Stories of the exchange, over a real database, real keys and a clock that the story moves.

mod channels;
mod export;
mod held_keys;
mod hold;
mod intake;
mod life;
mod mailbox;
mod metadata;
mod model;
mod notices;
mod quarantine;
mod relay;
mod retention;
mod screening;
mod town;
mod upload;
mod waiting;
