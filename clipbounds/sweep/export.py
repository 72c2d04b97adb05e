"""A sweep as NetCDF, Zarr or Parquet."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from .collect import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import xarray as xr

SUFFIXES = {".nc": "NetCDF", ".zarr": "Zarr", ".parquet": "Parquet"}
ROWS = 2**20  # of a Parquet table, written at once


def export(store: str | Path, path: str | Path, partial: bool = False, overwrite: bool = False) -> None:
    """Write the results of a sweep; the suffix of `path` chooses the format.

    Parameters
    ----------
    store : path
    path : path ending in .nc (NetCDF), .zarr (Zarr) or .parquet (Parquet: one row for each cell and checkpoint)
    partial : bool, accept missing cells
    overwrite : bool, replace an existing file

    Raises
    ------
    ValueError
        If the suffix is unknown, the file exists, a library of the extra ``io`` is missing, or cells are.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"export: the file must end in {', '.join(SUFFIXES)}, but {path.name!r} was given")
    if Path(store).resolve() in path.resolve().parents:
        raise ValueError(f"export: {path} lies in the store; give a place outside of it")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"export: there is no folder {path.absolute().parent}")
    if path.exists() and not overwrite:
        raise ValueError(f"export: {path} exists; give another name, or --overwrite")
    dataset = load(store, partial)
    temporary = path.with_name(f".{os.urandom(4).hex()}{path.name}")
    try:
        {".nc": _netcdf, ".zarr": _zarr, ".parquet": _parquet}[path.suffix](dataset, temporary)
        _remove(path)
        os.replace(temporary, path)
    except ImportError as error:
        raise ValueError(f'export: {SUFFIXES[path.suffix]} needs {error.name}; pip install "clipbounds[io]"') from None
    except OSError as error:
        raise ValueError(f"export: {path} cannot be written: {error.strerror or error}") from None
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _netcdf(dataset: xr.Dataset, path: Path) -> None:
    import h5netcdf  # noqa: F401 (xarray would choose another engine without it)

    dataset.to_netcdf(path, engine="h5netcdf")


def _zarr(dataset: xr.Dataset, path: Path) -> None:
    import zarr  # noqa: F401

    # Zarr's format 3 has no text of fixed length; format 2 holds it and every reader knows it
    dataset.to_zarr(path, zarr_format=2, consolidated=True)


def _parquet(dataset: xr.Dataset, path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    metadata = {str(key): str(value) for key, value in dataset.attrs.items()}
    writer = None
    dims = list(dataset.sizes)
    slices = [{}]
    if dims:
        rows = max(1, int(ROWS // max(1, _product(dataset.sizes.values()) / dataset.sizes[dims[0]])))
        slices = [{dims[0]: slice(k, k + rows)} for k in range(0, dataset.sizes[dims[0]], rows)]
    try:
        for part in slices:
            frame = dataset.isel(part).to_dataframe(dim_order=dims).reset_index() if dims else _one_row(dataset)
            table = pyarrow.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                schema = table.schema.with_metadata({**(table.schema.metadata or {}), **metadata})
                writer = pyarrow.parquet.ParquetWriter(path, schema)
            writer.write_table(table.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _product(sizes: Iterable[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _one_row(dataset: xr.Dataset) -> Any:
    import pandas

    return pandas.DataFrame({name: [variable.values.item()] for name, variable in dataset.variables.items()})
