"""The Streamlit dashboard; it starts runs and reads run folders, and measures nothing itself."""
