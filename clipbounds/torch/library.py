"""PyTorch, asked for only when it is used: the package is whole without it."""


def library():
    """The module `torch`.

    Raises
    ------
    ValueError
        If it is not installed.
    """
    try:
        import torch
    except ImportError:
        raise ValueError('gradients of networks need PyTorch; pip install "clipbounds[torch]"') from None
    return torch
