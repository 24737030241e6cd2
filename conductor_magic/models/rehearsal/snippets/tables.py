from pathlib import Path

handing_back = False  # what is found in files is reported; only charts are handed over
MOST_COLUMNS = 8


def tables(path, draw):
    """Read a delimited text file, explore it as a table from every side, and print its figures."""
    notes, figures = [], {"path": path, "bytes": Path(path).stat().st_size}
    try:
        # Large files are read in part, and the report says so.
        frame = pd.read_csv(path, sep="\t" if path.lower().endswith(".tsv") else ",", nrows=200_000)
    except (OSError, ValueError) as error:
        figures["unreadable"] = f"{type(error).__name__}: {error}"
    else:
        if len(frame) == 200_000:
            notes.append("Only the first 200000 rows were read.")
        frame, more = as_table(frame)
        recipes = (schema, missing, distributions, outliers, correlations, groups)
        figures.update({recipe.__name__: recipe(frame, notes) for recipe in recipes})
        if draw:
            figures["charts"] = charts(frame, notes)
        figures["notes"] = notes + more
    tell(figures)
