"""Parametric shapes of our own: furniture, things, openings and boards, drawn at random."""

from jspnet_core.synthetic.assets.own import boards, devices, fixtures, loose, seats, storage, tables, things

MAKERS = {
    **seats.MAKERS,
    **tables.MAKERS,
    **storage.MAKERS,
    **boards.MAKERS,
    **devices.MAKERS,
    **fixtures.MAKERS,
    **things.MAKERS,
    **loose.MAKERS,
}
