"""The lesson's chapter on networks: build one, see it at work, and train one."""

from __future__ import annotations

import streamlit as st

from pages.lesson.networks import bridge, building, pieces, training

st.markdown(
    "Convolutions become a network when they follow each other: "
    "**Input → [Conv → ReLU → Pool] × N → Flatten → Dense → Output**. "
    "Here you build one, look inside, and train one."
)
building.show()
pieces.show()
bridge.show()
training.show()
