"""The app as a web server: sessions, keys, uploads, and what stands before every request."""
