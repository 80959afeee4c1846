"""The app's page in the browser: what stands where, and what it says."""
