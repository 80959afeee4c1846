"""The app: pages dropped into a browser, read, checked, corrected and taken away again; `serving` starts it."""
