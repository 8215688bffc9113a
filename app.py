"""The ASGI entry: `streamlit run app.py` serves the frame in `pages/`."""

from pathlib import Path

import streamlit as st

from pages.serving import apologise, routes, warm

FRAME = Path(__file__).parent / "pages" / "frame.py"

app = st.App(FRAME, lifespan=warm, routes=routes, on_script_error=apologise)
