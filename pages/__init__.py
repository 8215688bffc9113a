"""Everything that a visitor sees: the frame, one short file per page, state, caches and widgets."""
