"""``ecgimg evaluate``: measure the accuracy of the digitizer and of classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecgimg.commands.shared.choices import Degradation, MeasuredVia, ShownVia
from ecgimg.commands.shared.consoles import LOG, OUT
from ecgimg.commands.shared.labelled_records import read_all_labelled
from ecgimg.commands.shared.options import Commands
from ecgimg.commands.shared.progress import show_progress
from ecgimg.errors import BadRequest

evaluate_app = Commands(help="Measure accuracy, on your pages or on synthetic ones.", no_args_is_help=True)


@evaluate_app.command("digitizer")
def evaluate_digitizer(
    pages: Annotated[Path | None, typer.Option(help="Table of pages: stem, file, and set and layout if known.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Folder of true records, STEM.csv.")] = None,
    synth: Annotated[int, typer.Option(help="Number of synthetic pages to draw instead.")] = 0,
    layouts: Annotated[str, typer.Option(help="Layouts of the synthetic pages.")] = "all",
    degradation: Annotated[Degradation, typer.Option(help="What is done to the synthetic pages.")] = "mixed",
    seed: Annotated[
        int, typer.Option(help="Seed of the synthetic pages; the networks were trained on seeds below 1000.")
    ] = 1_000_000,
    records: Annotated[Path | None, typer.Option(help="Records to draw beside simulated hearts.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json and the figures.")] = None,
    figures: Annotated[int, typer.Option(help="Number of the worst pages of which truth and reading are drawn.")] = 12,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Digitize pages whose truth is known and score them by set, layout and degradation."""
    # matplotlib and networks are loaded only here, so that help comes at once
    from ecgimg.evaluate import digitizer_report as report
    from ecgimg.evaluate.digitizer import evaluate_pages, evaluate_synthetic, page_tasks

    if (pages is None) == (synth == 0):
        raise BadRequest("name a table of pages (--pages) or a number of synthetic ones (--synth), not both")
    tasks = page_tasks(pages, truth) if pages is not None else []
    scored = evaluate_pages(tasks, jobs) if tasks else evaluate_synthetic(
        synth, layouts=layouts, degradation=degradation, seed=seed, records=records, jobs=jobs
    )  # fmt: skip
    evaluated = []
    with show_progress("digitizing pages", len(tasks) or synth) as progress:
        for item in scored:
            evaluated.append(item)
            progress.advance()
    scores = [item.score for item in evaluated]
    OUT.print(report.score_table(scores))
    OUT.print(report.consistency_table(scores))
    for name, value in report.confidence_summary(scores).items():
        OUT.print(f"{name}: {value:.3g}", markup=False)
    if out is not None:
        report.save_scores(scores, out / "scores.json")
        report.draw_confidence(scores, out / "confidence.png")
        worst = sorted((item for item in evaluated if item.signals), key=lambda item: item.score.ratio)
        for item in worst[:figures]:
            report.draw_page(item, out / f"{item.score.stem}.png")
        LOG.info("scores and figures are in %s", out)


@evaluate_app.command("layouts")
def evaluate_layouts(
    records: Annotated[list[Path], typer.Option(help="Records: NPZ, a folder of WFDB, or PTB-XL. May be repeated.")],
    labels: Annotated[list[Path] | None, typer.Option(help="Their labels (CSV): one for all, or one for each.")] = None,
    layouts: Annotated[
        str, typer.Option(help="Names or files, separated by commas; all; random: another one for each record.")
    ] = "12x1,3x4,3x4+II,3x4+II+V1,6x2,6x2+II,random",
    via: Annotated[ShownVia, typer.Option(help="By a mask, or as a page: drawn, degraded and digitized.")] = "mask",
    degradation: Annotated[Degradation, typer.Option(help="What is done to the pages.")] = "photo",
    model: Annotated[str | None, typer.Option(help="Weights (.json), an entry point, or module:name.")] = None,
    compare: Annotated[
        str | None, typer.Option(help="Another model, compared on the same records: 'shipped', or as for --model.")
    ] = None,
    predictions: Annotated[Path | None, typer.Option(help="Folder for LAYOUT.csv: ecg_id and probabilities.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json and the figure.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 1,2,9; all by default.")] = "",
    limit: Annotated[int, typer.Option(help="Number of records to use, from the first on; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the random layouts, pages and intervals.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes that draw, digitize and measure.")] = 1,
) -> None:
    """Classify the same records as each layout shows them, to measure how robust a model is to layouts."""
    from ecgimg.evaluate import layout_robustness as robustness
    from ecgimg.evaluate import layout_robustness_report as robustness_report
    from ecgimg.evaluate.shown_records import iter_shown

    data = read_all_labelled(records, labels, folds=folds)
    data = data.first(limit) if limit else data
    tested = robustness.find_model(model, jobs)
    rival = robustness.find_model(None if compare == "shipped" else compare, jobs) if compare is not None else None
    summaries, differences = [], {}  # by layout, as they come
    with show_progress(f"classifying {len(data)} records as each layout shows them") as progress:
        for layout, signals_mv in iter_shown(data, layouts, via=via, degradation=degradation, seed=seed, jobs=jobs):
            scores = robustness.score_layout(tested, layout, signals_mv)
            summaries.append(robustness.summarize(tested, data, scores, seed=seed))
            if predictions is not None:
                robustness.save_predictions(robustness.labels_of(tested, scores), data, scores, predictions)
            if rival is not None:
                others = robustness.score_layout(rival, layout, signals_mv)
                differences[layout] = robustness.paired_differences(data, (tested, scores), (rival, others), seed=seed)
            progress.advance()
    OUT.print(robustness_report.layout_table(summaries))
    OUT.print(robustness_report.label_table(summaries))
    if rival is not None:
        OUT.print(robustness_report.comparison_table(differences, rival.name))
    if out is not None:
        robustness_report.save(summaries, out / "scores.json")
        robustness_report.draw(summaries, out / "layouts.png")
        LOG.info("scores and figure are in %s", out)


@evaluate_app.command("findings")
def evaluate_findings(
    records: Annotated[list[Path], typer.Option(help="Records: NPZ, a folder of WFDB, or PTB-XL. May be repeated.")],
    labels: Annotated[list[Path] | None, typer.Option(help="Their labels (CSV): one for all, or one for each.")] = None,
    layouts: Annotated[str, typer.Option(help="Names or files, separated by commas, or all.")] = "12x1,3x4+II",
    via: Annotated[ShownVia, typer.Option(help="By a mask, or as a page: drawn, degraded and digitized.")] = "mask",
    degradation: Annotated[Degradation, typer.Option(help="What is done to the pages.")] = "photo",
    model: Annotated[str | None, typer.Option(help="Weights (.json) of another classifier.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 1,2,9; all by default.")] = "",
    limit: Annotated[int, typer.Option(help="Number of records to use, from the first on; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the pages.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Compare all that is said of records with what readers stated: how much is found, how much is right."""
    from itertools import islice

    from ecgimg.commands.shared.labelled_records import iter_all_labelled
    from ecgimg.evaluate import finding_scores

    items = islice(iter_all_labelled(records, labels, folds), limit or None)
    judged = list(
        finding_scores.judge_records(
            items, layouts, via=via, degradation=degradation, model=model, seed=seed, jobs=jobs
        )
    )
    summaries = finding_scores.summarize_by_layout(judged)
    for layout, summary in summaries.items():
        OUT.print(finding_scores.findings_table(summary, layout))
        for line in finding_scores.findings_lines(summary, layout):
            OUT.print(line, markup=False)
    if out is not None:
        finding_scores.save(summaries, out / "scores.json")
        LOG.info("scores are in %s", out)


@evaluate_app.command("out-of-fold")
def evaluate_out_of_fold(
    files: Annotated[
        list[Path], typer.Argument(help="out_of_fold.npz of trainings; the first is compared with others.")
    ],
    records: Annotated[list[Path], typer.Option(help="Records of the training. May be repeated.")],
    labels: Annotated[list[Path] | None, typer.Option(help="Their labels (CSV): one for all, or one for each.")] = None,
    folds: Annotated[str, typer.Option(help="Folds to use, as 1-8 or 9; all by default.")] = "",
    calibrated_on: Annotated[str, typer.Option(help="Calibrate on these folds first, as 1-8.")] = "",
) -> None:
    """Score the out-of-fold predictions of cross-validated trainings by layout, and compare the trainings."""
    from ecgimg.classification.labelled_records import parse_folds
    from ecgimg.evaluate import layout_robustness_report as robustness_report
    from ecgimg.evaluate.out_of_fold_scores import comparison_table, summarize_out_of_fold

    all_records = read_all_labelled(records, labels)
    data = parse_folds(all_records, folds) if folds else all_records
    calibrating = parse_folds(all_records, calibrated_on) if calibrated_on else None
    summaries = list(summarize_out_of_fold(files[0], data, calibrating))
    OUT.print(robustness_report.layout_table(summaries))
    OUT.print(robustness_report.label_table(summaries))
    if len(files) > 1:
        OUT.print(comparison_table(files[0], files[1:], data))


@evaluate_app.command("statements")
def evaluate_statements(
    records: Annotated[list[Path], typer.Option(help="Records: NPZ, or a folder of WFDB. May be repeated.")],
    labels: Annotated[list[Path], typer.Option(help="Their labels (CSV with ecg_id and statements), one for each.")],
    limit: Annotated[int, typer.Option(help="Number of records to use, from the first on; 0 for all.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for the figure of ST levels.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Compare measured numbers with what readers stated: PR with AV block, QTc, voltages, QRS, ST levels."""
    from itertools import islice

    from ecgimg.evaluate.measuring import statements

    if len(records) != len(labels):
        raise BadRequest(f"there are {len(records)} sources of records and {len(labels)} tables of labels for them")
    items = islice(statements.iter_stated(records, labels), limit or None)
    measured = list(statements.measure_stated(items, jobs))
    OUT.print(statements.statement_table(measured))
    if out is not None:
        statements.draw_st(measured, out / "st_levels.png")
        LOG.info("figure is in %s", out)


@evaluate_app.command("measurements")
def evaluate_measurements(
    records: Annotated[Path, typer.Option(help="Folder of WFDB records; with --via record, annotated as LUDB is.")],
    via: Annotated[
        MeasuredVia, typer.Option(help="Records against their annotations, or against the pages drawn of them.")
    ] = "record",
    layouts: Annotated[str, typer.Option(help="Layouts of the pages: names or files, or all.")] = "3x4+II",
    degradation: Annotated[Degradation, typer.Option(help="What is done to the pages.")] = "photo",
    delineator: Annotated[Path | None, typer.Option(help="Another delineator (.onnx).")] = None,
    limit: Annotated[int, typer.Option(help="Number of records to use, from the first on; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the pages.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json and the figures.")] = None,
    jobs: Annotated[int, typer.Option(help="Processes that draw and digitize pages.")] = 1,
) -> None:
    """Measure records whose waves are annotated, or compare records with what a page of them gives."""
    from itertools import islice

    from ecgimg.evaluate.measuring import report
    from ecgimg.evaluate.measuring.annotated_records import score_annotated
    from ecgimg.evaluate.measuring.through_pages import evaluate_through_pages
    from ecgimg.formats import iter_records
    from ecgimg.formats.wave_annotations import iter_annotated
    from ecgimg.inference.onnx_sessions import open_network_file
    from ecgimg.measurement.delineation.delineator import INPUTS

    if via not in ("record", "page"):
        raise BadRequest(f"records are measured via record or page, not {via!r}")
    if via == "page":
        items = islice(iter_records(records), limit or None)
        changes = list(evaluate_through_pages(items, layouts=layouts, degradation=degradation, seed=seed, jobs=jobs))
        evaluated = report.of_pages(changes)
    else:
        session = open_network_file(delineator, INPUTS) if delineator is not None else None
        evaluated = report.of_annotated(score_annotated(islice(iter_annotated(records), limit or None), session))
    for table in evaluated.tables:
        OUT.print(table)
    for name, value in evaluated.summary.items():
        OUT.print(f"{name}: {value if isinstance(value, str) else format(value, '.3g')}", markup=False)
    if out is not None:
        report.save(evaluated, out / "scores.json")
        report.draw_bland_altman(evaluated.pairs, out / "bland_altman.png", difference=evaluated.difference)
        LOG.info("scores and figure are in %s", out)
