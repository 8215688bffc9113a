"""The lesson's chapter `networks`."""

from __future__ import annotations

import streamlit as st

st.markdown("…")
