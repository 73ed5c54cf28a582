//! The inventory of captures that are made for it.
