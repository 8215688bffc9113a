"""The lesson's chapter `kernels`."""

from __future__ import annotations

import streamlit as st

st.markdown("…")
