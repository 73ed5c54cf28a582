//! `strip` without files: bytes in, bytes out, judged by the decoder of the test kit.
//!
//! * [`rules`], [`interfaces`], [`lengths`], [`limits`]: one rule of the rewriting a test,
//!   with captures of a few blocks;
//! * [`documents`]: what documents add to them;
//! * [`story`]: a slow and obvious `strip` that is told what its captures hold, for
//!   properties over captures made at random;
//! * [`damage`]: every prefix and every flipped byte of everything in `testdata/`;
//! * [`corpus`]: captures that others have made.

mod corpus;
mod damage;
mod documents;
mod interfaces;
mod lengths;
mod limits;
mod properties;
mod rules;
mod story;
pub(crate) mod support;
