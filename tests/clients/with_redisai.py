"""redisai-py 1.3 as its documentation uses it: PORT, FOLDER with model.onnx."""

import sys
from pathlib import Path

import numpy as np
from redisai import Client

port, folder = int(sys.argv[1]), Path(sys.argv[2])
con = Client(port=port)
SCRIPT = """
def bar(tensors: List[Tensor], keys: List[str], args: List[str]):
    a = tensors[0]
    b = tensors[1]
    return a + b
"""

# tensors
assert con.tensorset("x", np.array([[2, 3], [4, 5]], np.float32)) == "OK"
assert np.array_equal(con.tensorget("x"), [[2, 3], [4, 5]])
con.tensorset("flat", [1, 2, 3], shape=[3], dtype="int32")
assert con.tensorget("flat", as_numpy=False)["values"] == [1, 2, 3]
assert con.tensorget("flat", meta_only=True) == {"dtype": "INT32", "shape": [3]}
changed = con.tensorget("x", as_numpy_mutable=True)
changed[0] = 0
con.tensorset("words", np.array(["one", "two"]))
assert con.tensorget("words").tolist() == ["one", "two"]

# models
blob = (folder / "model.onnx").read_bytes()
wanted = np.load(folder / "wanted.npy")
row = np.load(folder / "row.npy")
assert con.modelstore("m", "onnx", "cpu", data=blob, tag="v1", batch=4) == "OK"
info = con.modelget("m", meta_only=True)
assert (info["backend"], info["tag"], info["batchsize"]) == ("ONNX", "v1", 4)
assert con.modelget("m")["blob"] == blob and con.modelscan() == [["m", "v1"]]
con.tensorset("row", row)
assert con.modelexecute("m", inputs=["row"], outputs=["out"]) == "OK"
assert np.allclose(con.tensorget("out"), wanted, atol=1e-5)
assert con.modelrun("m", "row", "old") == "OK"
assert con.infoget("m")["calls"] == 2 and con.inforeset("m") == "OK"

# scripts
assert con.scriptstore("s", "cpu", SCRIPT, "bar", tag="first") == "OK"
assert con.scriptget("s")["source"] == SCRIPT and con.scriptscan() == [["s", "first"]]
assert con.scriptexecute("s", "bar", inputs=["x", "x"], outputs=["sum"]) == "OK"
assert np.array_equal(con.tensorget("sum"), [[4, 6], [8, 10]])

# DAGs
dag = con.dag(load=["row"], persist=["kept"], timeout=5000)
dag.modelexecute("m", ["row"], ["kept"]).tensorset("a", row).tensorget("kept").tensorget("a")
ok, also, out, a = dag.execute()
assert (ok, also) == ("OK", "OK") and np.array_equal(a, row)
assert np.allclose(out, wanted, atol=1e-5) and np.array_equal(con.tensorget("kept"), out)
(summed,) = con.dag(load="x", routing="x").scriptexecute(
    "s", "bar", inputs=["x", "x"], outputs=["y"]).tensorget("y").execute()[1:]
assert np.array_equal(summed, [[4, 6], [8, 10]])
read = con.dag(load="x", readonly=True).tensorget("x").execute()
assert np.array_equal(read[0], con.tensorget("x"))

# pipelines, the end
pipe = con.pipeline(transaction=False)
pipe.tensorset("p", [1.0, 2.0], dtype="float")
pipe.tensorget("p")
assert np.array_equal(pipe.execute()[1], [1.0, 2.0])
assert con.modeldel("m") == "OK" and con.scriptdel("s") == "OK"
print("done")
