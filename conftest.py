"""What every test and every notebook kernel runs under, also for a bare `pytest`.

Kernels inherit these variables: sums in one order (printed digits do not depend on the number of cores), and
every file that Jupyter, IPython and matplotlib keep goes into .cache/ of the checkout.
"""

import os
from pathlib import Path

CACHE = Path(__file__).resolve().parent / ".cache"

CACHE.mkdir(exist_ok=True)
os.environ.update(OMP_NUM_THREADS="1", JUPYTER_PREFER_ENV_PATH="1", PYDEVD_DISABLE_FILE_VALIDATION="1")
for variable, folder in {
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
    "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    "IPYTHONDIR": "ipython",
    "MPLCONFIGDIR": "matplotlib",
}.items():
    os.environ.setdefault(variable, str(CACHE / folder))
