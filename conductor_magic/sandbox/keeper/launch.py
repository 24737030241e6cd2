"""Start of the keeper; kept this short because a script, unlike a module, is compiled anew at each start."""

import sys

# Isolated mode leaves out the script's own folder, and this package must not be imported in here.
sys.path.insert(0, sys.argv[0].rpartition("/")[0])

from keep import main

main()
