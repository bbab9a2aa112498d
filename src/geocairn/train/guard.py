"""What stops a run that has left the numbers: the step and the first parameter or gradient that is not finite, by name."""

from math import isfinite

import torch

from geocairn.errors import BadRun

_MEND = "lower train.lr, or clip gradients with train.clip_norm; checkpoints, where there are any, are from before"


def check_finite(model: torch.nn.Module, step: int, *, loss: float, grad_norm: float) -> None:
    """Stop a step whose loss or gradients are not finite, before it changes the model.

    Args:
        step: number of the step, from 1.

    Raises:
        BadRun: naming the step and the first parameter, else the first gradient, that is not finite.
    """
    if not (isfinite(loss) and isfinite(grad_norm)):
        raise BadRun(
            f"step {step}: the loss is {loss:g}, the norm of its gradient {grad_norm:g}; {_first_fault(model) or 'all parameters are finite'}; {_MEND}"
        )


def check_parameters(model: torch.nn.Module, step: int) -> None:
    """Refuse to keep a model in which a parameter is not finite.

    Raises:
        BadRun: naming the step and the first of them.
    """
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise BadRun(f"after step {step}: parameter {name} is not finite; {_MEND}")


def _first_fault(model: torch.nn.Module) -> str | None:
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            return f"parameter {name} is not finite"
    for name, parameter in model.named_parameters():
        if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
            return f"the gradient of {name} is not finite"
    return None
