"""`python -m geocairn`: the command, where its script is not on the path."""

from geocairn.cli.main import main

if __name__ == "__main__":
    main()
