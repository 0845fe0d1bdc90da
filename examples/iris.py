"""Fisher's irises: four measures, three kinds. Needs the "sklearn" extra for the data.

    python examples/iris.py                              in this process
    python examples/iris.py redis://127.0.0.1:6390       through a server
"""

import sys

import respnet
from respnet.demos import iris

settings = {"role": "classifier", "train_rows": 70, "test_rows": 30, "normalize": True, "seed": 1}
if sys.argv[1:]:
    net = respnet.connect(sys.argv[1]).create("iris", 4, 15, 5, 3, **settings)
else:
    net = respnet.Network(4, 15, 5, 3, **settings)

x, kind = iris(seed=1)
net.observe(x[:100], kind[:100])
net.train(autostop=True, backtrack=True, max_time=10)

right = (net.classify(x[100:]) == kind[100:]).mean()
print(f"accuracy {right:.3f} on {len(x) - 100} flowers it has not seen")
