"""``python -m clipbounds.cli`` is the program clipbounds."""

from . import main

if __name__ == "__main__":
    main()
