"""Names of genes and samples damaged by spreadsheets: dates, day numbers and powers of ten."""

import re
from collections.abc import Iterable

from karyolot.contracts.problems import Fault, quoted

SHOWN = 5
"""Damaged names that a message lists."""
MONTHS = """
    jan feb mar apr may jun jul aug sep sept oct nov dec
    january february march april june july august september october november december
    jän jänner januar februar mrz mär märz mai juni juli okt oktober dez dezember
    janv janvier févr fév février mars avr avril juin juil juillet août aou septembre octobre novembre déc décembre
    ene enero febr febrero marzo abr abril mayo junio julio ago agosto septiembre setiembre octubre noviembre dic diciembre
    gen gennaio febbraio aprile mag maggio giu giugno lug luglio set sett settembre ott ottobre dicembre gener març
    januari februari mrt maart mei juni juli augustus augusti
    fev fevereiro março maio junho julho out setembro outubro novembro dez dezembro
    marts maj des desember agu agustus desember mart nis nisan haziran temmuz eylül ekim kasım aralık oca ağu eyl eki kas
    sty lut kwi cze lip sie wrz paź lis gru stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października
    listopada grudnia led úno bře dub kvě čvn čvc srp zář říj ledna února března dubna května června července srpna září října
    listopadu prosince márc március ápr április máj május június július szept szeptember október január február
    tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu
    tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu
    ian ianuarie februarie martie aprilie iun iunie iul iulie septembrie octombrie noiembrie decembrie noi
    sij velj ožu tra svi srp kol ruj stu siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna studenoga prosinca
"""
"""Names of months as spreadsheets write them: English, German, French, Spanish, Italian, Catalan, Dutch, Portuguese, Nordic,
Turkish, Indonesian, Polish, Czech, Hungarian, Finnish, Romanian and Croatian."""
_DAY = r"\d{1,2}(?:\.|er|re|st|nd|rd|th|º|°|ª)?"
"""A day: 1, 01., 1er mars, 1st, 1º."""
_MONTH = "(?:" + "|".join(sorted(set(MONTHS.split()), key=len, reverse=True)) + r")(?:ta)?\.?"
_YEAR = r"(?:\d{4}|\d{2})"
_TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M)?)?"
_DATE = re.compile(
    rf"{_DAY}[-./\s]{{1,2}}(?:de |d')?{_MONTH}(?:[-./\s]{{1,2}}(?:de )?{_YEAR})?{_TIME}"  # 1-Mar, 01. Mrz, 1er mars, 1 de marzo
    rf"|{_MONTH}[-./\s]{{1,2}}\d{{1,4}}(?:(?:,? |[-./]){_YEAR})?{_TIME}"  # Mar-01, March 1, 2024, Mar-01-2024
    r"|(?:\d{2,4} ?[年년] ?)?\d{1,2} ?[月월] ?\d{1,2} ?[日일]"  # 3月1日
    rf"|{_DAY}[-./\s]{{1,2}}(?=\w*[^\x00-\x7f])[^\W\d_]{{2,}}\.?(?:[-./\s]{{1,2}}{_YEAR})?"  # 1-мар: no gene is so called
    rf"|\d{{4}}[-./]\d{{1,2}}[-./]\d{{1,2}}{_TIME}"  # 2024-03-01 00:00:00
    rf"|\d{{1,2}}[-./]\d{{1,2}}[-./]{_YEAR}{_TIME}",  # 1.3.2001, 3/1/24
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[-./\s]")
_POWER = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_DAY_NUMBER = re.compile(r"[34]\d{4}(?:\.0)?")
"""Days since 1900: 30000 to 49999 are the years 1982 to 2036."""


def damage(name: str, *, numbers_are_ids: bool = False) -> str | None:
    """What a spreadsheet made of a name such as MARCH1, SEPT2, DEC1, NOV or 2310009E13.

    Parameters
    ----------
    name
        A gene name, gene id or sample name, without white space around it.
    numbers_are_ids
        Whether plain numbers are names here (Entrez ids); a day number is then indistinguishable from one.

    Returns
    -------
    str | None
        'a date', 'a power of ten' or 'a day number'; None when the name shows no damage.
    """
    if not name[:1].isdigit() and not _SEPARATOR.search(name):
        return None  # nearly all names end here: a matrix has 60,000
    if _DATE.fullmatch(name):
        return "a date"
    if _POWER.fullmatch(name):
        return "a power of ten"
    return "a day number" if not numbers_are_ids and _DAY_NUMBER.fullmatch(name) else None


def damaged_names(names: Iterable[tuple[int, str]]) -> list[tuple[int, str, str]]:
    """(line, name, what it became) of every damaged name of a column, each name once.

    Where most names are numbers they are Entrez ids, and a number is no damage.
    """
    column = list(names)
    numbers_are_ids = 2 * sum(name.isdecimal() for _, name in column) > len(column)
    found: dict[str, tuple[int, str, str]] = {}
    for line, name in column:
        if kind := damage(name, numbers_are_ids=numbers_are_ids):
            found.setdefault(name, (line, name, kind))
    return list(found.values())


def damage_fault(damaged: list[tuple[int, str, str]], remedy: str) -> Fault:
    """The Fault of damaged gene names: all of them counted, the first ones listed."""
    line, name, kind = damaged[0]
    if len(damaged) == 1:
        message = f"the gene name {quoted(name)} is {kind} that a spreadsheet made of a name like MARCH1 or SEPT2"
        return Fault("E16", message, remedy, line)
    listed = ", ".join(f"{quoted(name)} ({kind}, line {line})" for line, name, kind in damaged[:SHOWN])
    message = f"{len(damaged)} gene names are what a spreadsheet made of names like MARCH1 or SEPT2: {listed}"
    return Fault("E16", message + " ..." * (len(damaged) > SHOWN), remedy)
