"""Learn backpropagation by writing it: the package behind the course's notebooks."""

import os

__version__ = "0.1.0"

# The course's matrices are small: one thread multiplies them fastest, sums come out the same whatever the
# number of processors, and threads that wait on a busy computer do not spin (training took 20 times longer).
# It takes effect where numpy is imported later: in JupyterLab opened by `backprop start --lab`, in tests, in builds.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
for _name, _value in ONE_THREAD.items():
    os.environ.setdefault(_name, _value)
