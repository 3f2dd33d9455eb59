"""The blind voting page: one ASGI app of Streamlit pages and small stateless routes."""
