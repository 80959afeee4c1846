"""Statements a reader would give, in the SCP-ECG codes that PTB-XL uses (Wagner et al. 2020, Sci Data 7:154)."""

from __future__ import annotations

from collections.abc import Sequence

from synth.heart.spec import HeartSpec, Intervals

CODES = (
    *("NORM", "SR", "SBRAD", "STACH", "SARRH", "AFIB", "AFLT", "SVTAC", "SVARR", "PACE", "PAC", "PVC", "BIGU", "TRIGU"),
    *("1AVB", "2AVB", "3AVB", "CLBBB", "ILBBB", "CRBBB", "IRBBB", "LAFB", "LPFB", "IVCD", "WPW"),
    *("LVH", "VCLVH", "RVH", "LAO/LAE", "RAO/RAE", "LVOLT", "QWAVE"),
    *("AMI", "ASMI", "ALMI", "LMI", "IMI", "ILMI", "IPMI", "IPLMI", "PMI"),
    *("INJAS", "INJAL", "INJIN", "INJIL", "INJLA"),
    *("ISC_", "ISCAL", "ISCAN", "ISCAS", "ISCIN", "ISCIL", "ISCLA"),
    *("STE_", "STD_", "INVT", "LOWT", "LNGQT"),
)
"""Every code this package can give."""

_COMPATIBLE_WITH_NORMAL = {"NORM", "SR", "SBRAD", "STACH", "SARRH"}

# Territories, as a set, to the codes of infarction, subendocardial injury and ischaemia.
_CODES_BY_TERRITORY: dict[frozenset[str], tuple[str, str, str]] = {
    frozenset({"septal"}): ("ASMI", "INJAS", "ISCAS"),
    frozenset({"anterior"}): ("AMI", "INJAS", "ISCAN"),
    frozenset({"septal", "anterior"}): ("ASMI", "INJAS", "ISCAS"),
    frozenset({"anterior", "lateral"}): ("ALMI", "INJAL", "ISCAL"),
    frozenset({"septal", "anterior", "lateral"}): ("ALMI", "INJAL", "ISCAL"),
    frozenset({"lateral"}): ("LMI", "INJLA", "ISCLA"),
    frozenset({"inferior"}): ("IMI", "INJIN", "ISCIN"),
    frozenset({"inferior", "lateral"}): ("ILMI", "INJIL", "ISCIL"),
    frozenset({"inferior", "posterior"}): ("IPMI", "INJIN", "ISCIN"),
    frozenset({"inferior", "lateral", "posterior"}): ("IPLMI", "INJIL", "ISCIL"),
    frozenset({"posterior"}): ("PMI", "STD_", "ISC_"),
    frozenset({"lateral", "posterior"}): ("LMI", "INJLA", "ISCLA"),
}


def statements(
    spec: HeartSpec,
    intervals: Intervals,
    kinds: Sequence[str],
    dropped: bool,
    sokolow_mv: float,
    limb_chest_mv: tuple[float, float],
) -> tuple[str, ...]:
    """Return the codes in the order of `CODES`.

    Parameters
    ----------
    spec, intervals : HeartSpec, Intervals
        What was asked for.
    kinds : sequence of str
        Kinds of the beats that lie on the canvas: a premature beat that did not happen is not named.
    dropped : bool
        Whether a P wave on the canvas was not conducted.
    sokolow_mv, limb_chest_mv : float, (float, float)
        Measured on the conducted QRS: Sokolow-Lyon's sum, and the largest peak-to-peak of limb and of chest leads.
    """
    codes = _rhythm_codes(spec, kinds) | _av_block_codes(spec, intervals, dropped)
    if not spec.paced_ventricles:
        codes |= _conduction_codes(spec) | _voltage_codes(spec, sokolow_mv, limb_chest_mv) | _ischaemia_codes(spec)
        # A wide QRS lengthens QT by itself, so long QT is not read there.
        if spec.conduction in ("normal", "lafb", "lpfb") and _corrected_qt_s(spec, intervals) > 0.470:
            codes.add("LNGQT")
    if codes <= _COMPATIBLE_WITH_NORMAL:
        codes.add("NORM")
    return tuple(code for code in CODES if code in codes)


def _rhythm_codes(spec: HeartSpec, kinds: Sequence[str]) -> set[str]:
    named = {"af": "AFIB", "flutter": "AFLT", "svt": "SVTAC", "junctional": "SVARR"}
    codes = {named[spec.rhythm]} if spec.rhythm in named else set()
    if spec.has_p and spec.pacing == "none":
        codes = {"SBRAD" if spec.rate_bpm < 60 else "STACH" if spec.rate_bpm > 100 else "SR"}
        if spec.rhythm == "sinus_arrhythmia":
            codes = (codes - {"SR"}) | {"SARRH"}
    if spec.pacing != "none":
        codes.add("PACE")
    if "pac" in kinds:
        codes.add("PAC")
    if "pvc" in kinds:
        codes.add("PVC")
        if kinds.count("pvc") > 1:
            # One PVC on the canvas is no pattern yet.
            codes |= {{"bigeminy": "BIGU", "trigeminy": "TRIGU"}.get(spec.pvc_pattern, "PVC")}
    return codes


def _av_block_codes(spec: HeartSpec, intervals: Intervals, dropped: bool) -> set[str]:
    if spec.av_block == "third":
        return {"3AVB"}
    if spec.av_block in ("mobitz1", "mobitz2", "two_to_one") and dropped:
        return {"2AVB"}
    if spec.has_p and spec.pacing == "none" and intervals.pr_s > 0.200:
        return {"1AVB"}
    return set()


def _conduction_codes(spec: HeartSpec) -> set[str]:
    if spec.conduction == "normal":
        return set()
    return {part.upper() for part in spec.conduction.split("+")}


def _voltage_codes(spec: HeartSpec, sokolow_mv: float, limb_chest_mv: tuple[float, float]) -> set[str]:
    codes = {{"lvh": "LVH", "rvh": "RVH"}[spec.hypertrophy]} if spec.hypertrophy != "none" else set()
    codes |= {{"lae": "LAO/LAE", "rae": "RAO/RAE"}[spec.atria]} if spec.atria != "none" else set()
    # Voltage criteria hold for normal conduction only; diagnosed hypertrophy has its own code.
    plain = spec.conduction in ("normal", "irbbb", "lafb", "lpfb") and spec.hypertrophy == "none"
    if plain and sokolow_mv > 3.5:
        codes.add("VCLVH")
    limb, chest = limb_chest_mv
    if spec.low_voltage or (limb < 0.5 and chest < 1.0):
        codes.add("LVOLT")
    if spec.t_gain < 0.35:
        codes.add("LOWT")
    return codes


def _ischaemia_codes(spec: HeartSpec) -> set[str]:
    codes: set[str] = set()
    # The usual thresholds: 0.1 mV for elevation, 0.05 mV for depression.
    raised = {name for name, mv in spec.st.items() if mv >= 0.1}
    lowered = {name for name, mv in spec.st.items() if mv <= -0.05}
    infarct = frozenset(set(spec.q_wave) | (raised - {"subendocardial"}))
    if infarct:
        codes.add(_territory_codes(infarct)[0])
    # Twelve leads show a posterior wall only in the mirror of V1 to V3: no Q, no elevation, no inversion there.
    if set(spec.q_wave) - {"posterior"}:
        codes.add("QWAVE")
    if raised - {"posterior"}:
        codes.add("STE_")
    if "posterior" in raised:
        codes.add("STD_")
    if lowered:
        codes |= {"STD_", "ISC_"} if "subendocardial" in lowered else {"STD_", _territory_codes(frozenset(lowered))[1]}
    if spec.t_inversion:
        codes.add(_territory_codes(frozenset(spec.t_inversion))[2])
    if set(spec.t_inversion) - {"posterior"}:
        codes.add("INVT")
    return codes


def _territory_codes(places: frozenset[str]) -> tuple[str, str, str]:
    """Return the codes of a set of territories; of a set that has none of its own, those of its largest known part."""
    if places in _CODES_BY_TERRITORY:
        return _CODES_BY_TERRITORY[places]
    # A set without a code of its own takes that of its largest part.
    inside = [known for known in _CODES_BY_TERRITORY if known < places]
    return _CODES_BY_TERRITORY[max(inside, key=len)]


def _corrected_qt_s(spec: HeartSpec, intervals: Intervals) -> float:
    # In third degree block the escape rhythm sets RR, not the atria.
    rate_bpm = 40.0 if spec.av_block == "third" else spec.rate_bpm
    return intervals.qt_s / float((60.0 / rate_bpm) ** (1 / 3))
