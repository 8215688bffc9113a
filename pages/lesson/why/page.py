"""The lesson's chapter `why`."""

from __future__ import annotations

import streamlit as st

st.markdown("…")
