"""Operators of ai.onnx.ml against onnxruntime; models of scikit-learn where skl2onnx is there."""

import numpy as np
import pytest

from respnet.engine.errors import FileError, ShapeError
from respnet.engine.onnx import Graph

onnx = pytest.importorskip("onnx", reason="onnx is in the test extra")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the test extra")
from onnx import helper  # noqa: E402

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 3)).astype(np.float32)
ROWS = [1.0, 2, 3, -4, 5, 6]


def model(kind, outputs, domain="ai.onnx.ml", **attributes):
    node = helper.make_node(kind, ["x"], outputs, name="it", domain=domain, **attributes)
    slots = [helper.make_tensor_value_info("x", 1, [None, 3])]
    ends = [helper.make_empty_tensor_value_info(name) for name in outputs]
    imports = [helper.make_opsetid("ai.onnx.ml", 2), helper.make_opsetid("", 17)]
    made = helper.make_graph([node], "g", slots, ends)
    made = helper.make_model(made, opset_imports=imports, ir_version=8)
    return made.SerializeToString()


def same(kind, outputs, **attributes):
    data = model(kind, outputs, **attributes)
    wanted = onnxruntime.InferenceSession(data).run(None, {"x": X})
    got = Graph.load(data).run({"x": X})
    for name, known in zip(outputs, wanted, strict=True):
        if np.asarray(known).dtype.kind in "OU":
            assert [text.decode() for text in got[name]] == list(known)
            continue
        assert got[name].dtype == known.dtype
        np.testing.assert_allclose(got[name], known, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
def test_linear_models(transform):
    more = {"post_transform": transform, "intercepts": [0.5, -1.0]}
    same("LinearRegressor", ["y"], coefficients=ROWS, targets=2, **more)
    same("LinearClassifier", ["y", "z"], coefficients=ROWS, classlabels_ints=[3, 4], **more)
    same("LinearClassifier", ["y", "z"], coefficients=ROWS, classlabels_strings=["a", "b"], **more)


def test_scaling():
    for norm in ("MAX", "L1", "L2"):
        same("Normalizer", ["y"], norm=norm)
    same("Scaler", ["y"], offset=[1.0, 2.0, 3.0], scale=[2.0, 1.0, 0.5])
    same("Scaler", ["y"], offset=[1.0], scale=[2.0])


def test_columns():
    inputs = [helper.make_tensor_value_info("x", 1, [None, 3])]
    columns = helper.make_node("Constant", [], ["c"], value_ints=[2, 0])
    node = helper.make_node("ArrayFeatureExtractor", ["x", "c"], ["y"], domain="ai.onnx.ml")
    ends = [helper.make_empty_tensor_value_info("y")]
    made = helper.make_graph([columns, node], "g", inputs, ends)
    imports = [helper.make_opsetid("ai.onnx.ml", 2), helper.make_opsetid("", 17)]
    data = helper.make_model(made, opset_imports=imports, ir_version=8).SerializeToString()
    assert (Graph.load(data).run({"x": X})["y"] == X[:, [2, 0]]).all()


@pytest.mark.parametrize("error, text, kind, attributes", [
    (ShapeError, r"node 'it' \(LinearRegressor\): 6 coefficients for 1 results of \(5, 3\) numbers",
     "LinearRegressor", {"coefficients": ROWS}),
    (ShapeError, r"\(LinearClassifier\): 3 coefficients for 2 results", "LinearClassifier",
     {"coefficients": ROWS[:3], "classlabels_ints": [0, 1]}),
    (ValueError, r"\(Scaler\) on shapes", "Scaler", {"scale": [1.0, 2.0]}),
    (ValueError, r"post_transform='PROBIT' is not supported", "LinearRegressor",
     {"coefficients": ROWS[:3], "post_transform": "PROBIT"}),
    (FileError, r"node 'it' \(SVMRegressor\) is of domain 'ai.onnx.ml'", "SVMRegressor", {}),
    (FileError, r"\(Relu\) is of domain 'ai.onnx.ml'", "Relu", {}),
])  # fmt: skip
def test_what_does_not_fit_is_refused(error, text, kind, attributes):
    with pytest.raises(error, match=text):
        Graph.load(model(kind, ["y"], **attributes)).run({"x": X})


def test_models_of_scikit_learn():
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = RNG.normal(size=(60, 3)).astype(np.float32)
    line, classes = x @ [1, 2, -1], (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)
    cases = [(LinearRegression(), line), (LogisticRegression(), classes > 0),
             (make_pipeline(StandardScaler(), LogisticRegression()), classes),
             (LogisticRegression(), np.array(["a", "b", "c"])[classes])]
    for found, y in cases:
        found.fit(x, y)
        data = skl2onnx.to_onnx(found, x[:1], target_opset=17).SerializeToString()
        label, *scores = Graph.load(data).run({"X": x}).values()
        if not scores:
            np.testing.assert_allclose(label.ravel(), found.predict(x), rtol=1e-4, atol=1e-5)
            continue
        label = [one.decode() if isinstance(one, bytes) else one for one in label.tolist()]
        assert label == found.predict(x).tolist()
        np.testing.assert_allclose(scores[0], found.predict_proba(x), rtol=1e-4, atol=1e-5)
