//! Souk driven through its front door.
