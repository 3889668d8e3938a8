"""Which kind of identifier an EPC is, as far as its layout is known.

Headers SGTIN-96 0x30, GRAI-96 0x33, GIAI-96 0x34, then 3 bits of filter and 3 bits of partition, from GS1 Tag Data
Translation 2.0.0 (ref.gs1.org/standards/tdt/2.0.0, SGTIN-96.xml, GRAI-96.xml, GIAI-96.xml). Known are the partitions 0
and 1 (company prefixes of 12 and 11 digits); an EPC of another header, size or partition is opaque: an identifier to be
compared, not to be read. So are the tags of Vietnamese toll collection (Decree 119/2024), whose layout is not known.
What stands in a known one is read by protocols.rfid.epc_fields.
"""

from protocols.compat import const

KIND_OPAQUE = const(0)
KIND_SGTIN_96 = const(1)
KIND_GRAI_96 = const(2)
KIND_GIAI_96 = const(3)

SIZE_96 = const(12)
HEADER_SGTIN_96 = const(0x30)
HEADER_GRAI_96 = const(0x33)
HEADER_GIAI_96 = const(0x34)
PARTITION_MAX = const(1)


def kind_of(epc: bytes | bytearray | memoryview, at: int, size: int) -> int:
    """Return the KIND of the EPC of `size` bytes at `at`."""
    if size != SIZE_96 or partition_of(epc, at) > PARTITION_MAX:
        return KIND_OPAQUE
    header = epc[at]
    if header == HEADER_SGTIN_96:
        return KIND_SGTIN_96
    if header == HEADER_GRAI_96:
        return KIND_GRAI_96
    return KIND_GIAI_96 if header == HEADER_GIAI_96 else KIND_OPAQUE


def filter_of(epc: bytes | bytearray | memoryview, at: int) -> int:
    """Return the filter value, 0 to 7."""
    return epc[at + 1] >> 5


def partition_of(epc: bytes | bytearray | memoryview, at: int) -> int:
    """Return the partition, 0 to 7: how prefix and reference share their bits."""
    return (epc[at + 1] >> 2) & 7
