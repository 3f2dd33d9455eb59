"""How written words of seven languages are pronounced."""
