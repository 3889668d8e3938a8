"""Boards within a technician's reach: what hangs on USB and on the bus, and how a board's flash is written.

files.py           a board's files, as everybody uses them; BoardError
wire.py            bytes to and from a console, with deadlines
usb.py             the ports of this machine (pyserial)
repl.py            MicroPython's raw REPL (mpremote)
entry.py           the way to the REPL of a board in whatever state it is
board.py           a board whose REPL answers
plan.py            what has to be written so that a board holds a set (pure)
flasher.py         a board, brought to hold it
provision_file.py   the file that says who a board is
installed.py        the set of ours that a board holds
file_sets.py       the compiled set of a role
base_image.py      MicroPython itself: UF2 and esptool
flash_word.py, devices_word.py   the words of `gate`
"""
