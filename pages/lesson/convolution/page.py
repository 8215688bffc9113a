"""The lesson's chapter `convolution`."""

from __future__ import annotations

import streamlit as st

st.markdown("…")
