"""The ending in which applications keep the name of their server: back up, delete, restore under the old name.

Steps 6 and 7 of the procedure. The applications stay stopped all the while.
"""
