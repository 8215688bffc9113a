"""Chapter 1 of the lesson: what a convolution is, from the definition to working one out by hand."""

from __future__ import annotations

import streamlit as st

from pages.lesson.convolution import animation, definition, example, frameworks, practice

st.markdown(
    "Every convolutional network is built from one small computation. Read it, watch it, then do it "
    "yourself: at the end of this page you can work out any cell of a convolution by hand.  \n[The "
    "idea](#idea) · [Watch it](#steps) · [Worked example](#example) · [Your turn](#your-turn) · [What "
    "frameworks compute](#frameworks)"
)
definition.show()
animation.show()
example.show()
practice.show()
frameworks.show()
