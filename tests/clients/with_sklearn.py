"""A scikit-learn pipeline through skl2onnx: PORT, FOLDER (not used)."""

import sys

import numpy as np
import redis
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

server = redis.Redis(port=int(sys.argv[1]), protocol=2)
x, kind = load_iris(return_X_y=True)
x = x.astype(np.float32)
model = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, kind)
blob = to_onnx(model, x[:1]).SerializeToString()

call = server.execute_command
call("AI.MODELSTORE", "iris", "ONNX", "CPU", "BLOB", blob)
rows = x[::15]
label, chances = call(
    "AI.DAGEXECUTE", "ROUTING", "iris",
    "|>", "AI.TENSORSET", "x", "FLOAT", *rows.shape, "BLOB", rows.tobytes(),
    "|>", "AI.MODELEXECUTE", "iris", "INPUTS", 1, "x", "OUTPUTS", 2, "label", "chances",
    "|>", "AI.TENSORGET", "label", "VALUES", "|>", "AI.TENSORGET", "chances", "BLOB",
)[2:]
assert label == model.predict(rows).tolist()
chances = np.frombuffer(chances, np.float32).reshape(len(rows), 3)
assert np.allclose(chances, model.predict_proba(rows), atol=1e-5)
print("done")
