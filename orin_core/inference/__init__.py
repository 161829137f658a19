"""The only room that imports torch; reached from outside only as the program ``worker``."""
