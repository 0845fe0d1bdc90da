"""How a model was compiled, as Keras writes it: optimizer, losses, metrics by name."""

from . import losses, optimizers


def compiled(model) -> dict | None:
    """What Keras calls ``compile_config``; None if the model is not compiled with a loss."""
    if model.optimizer is None or model.loss is None:
        return None
    optimizer, loss, wanted = model.optimizer, model.loss, model._wanted
    several = isinstance(loss, dict)
    return {
        "optimizer": _object("keras.optimizers", optimizer, _rate(optimizer)),
        "loss": {n: _loss(each) for n, each in loss.items()} if several else _loss(loss),
        "loss_weights": wanted["loss_weights"],
        "metrics": _named(wanted["metrics"]),
        "weighted_metrics": None,
    }


def _loss(loss) -> dict:
    if not isinstance(loss, losses.Loss):
        raise ValueError(f"loss {loss!r} cannot be written for Keras; include_optimizer=False")
    return _object("keras.losses", loss, loss.get_config())


def _named(metrics):
    """Metrics that are names, in the lists and dicts they came in."""
    if isinstance(metrics, dict):
        return {name: _named(each) for name, each in metrics.items()}
    if isinstance(metrics, (list, tuple)):
        return [_named(each) for each in metrics if not callable(each)]
    return metrics if isinstance(metrics, str) else None


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
            loss=_losses(how.get("loss")),
            loss_weights=how.get("loss_weights"),
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


def _losses(loss):
    """Of one output, or of several by name or in a list."""
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: _described(each) for name, each in loss.items()}
    return [_described(each) for each in loss] if isinstance(loss, list) else _described(loss)


def _described(loss):
    if isinstance(loss, dict) and "class_name" in loss:
        config = {k: v for k, v in loss.get("config", {}).items() if k not in ("dtype", "fn")}
        return {"class": loss["class_name"], **config}
    return loss


__all__ = ["compile_from", "compiled"]
