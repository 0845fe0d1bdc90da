"""How a model was compiled, as Keras writes it: optimizer, one loss and metrics by name."""

from . import losses, optimizers


def compiled(model) -> dict | None:
    """What Keras calls ``compile_config``; None if the model is not compiled with one loss."""
    if model.optimizer is None or not isinstance(model.loss, losses.Loss):
        return None
    optimizer, loss = model.optimizer, model.loss
    return {
        "optimizer": _object("keras.optimizers", optimizer, _rate(optimizer)),
        "loss": _object("keras.losses", loss, loss.get_config()),
        "loss_weights": None,
        "metrics": [m for m in model._wanted["metrics"] or () if isinstance(m, str)],
        "weighted_metrics": None,
    }


def _object(module: str, value, config: dict) -> dict:
    name = type(value).__name__
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def _rate(optimizer) -> dict:
    """Its arguments; a schedule becomes the rate it has reached."""
    config = {n: v for n, v in optimizer.get_config().items() if n != "decay"}
    if optimizer.scheduled:
        config["learning_rate"] = optimizer.rate(optimizer.iterations)
    return config


def compile_from(model, how: dict) -> None:
    """Compile as Keras had it; what is not known here is an error that ``compile=False`` avoids."""
    try:
        model.compile(
            optimizer=_made(how["optimizer"], optimizers.CLASSES),
            loss=_described(how.get("loss")),
            metrics=how.get("metrics"),
        )
    except (KeyError, TypeError, ValueError) as problem:
        raise ValueError(
            f"model {model.name} was compiled with what is not known here ({problem}); "
            "load_model(..., compile=False) leaves that out"
        ) from problem


def _made(data, classes):
    """The optimizer, by the arguments that are known here."""
    name, config = data["class_name"], dict(data.get("config", {}))
    made = classes.get(name.rpartition(">")[2])
    if made is None:
        raise ValueError(f"optimizer {name}")
    rate = config.get("learning_rate", config.get("lr"))
    if isinstance(rate, dict):
        raise ValueError(f"schedule {rate.get('class_name')}")
    known = {*made.arguments, *optimizers.COMMON}
    return made(**{k: v for k, v in config.items() if k in known})


def _described(loss):
    if isinstance(loss, dict) and "class_name" in loss:
        config = {k: v for k, v in loss.get("config", {}).items() if k not in ("dtype", "fn")}
        return {"class": loss["class_name"], **config}
    return loss


__all__ = ["compile_from", "compiled"]
