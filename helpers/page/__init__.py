"""The playlist page: a Streamlit application that asks the endpoint as any client would."""
