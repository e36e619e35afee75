"""What turns relative errors of a flux into magnitudes."""

import math
from typing import Final

# d(2.5 log10 F) = 2.5 / ln(10) dF / F: 1.0857 mag.
MAG_PER_RELATIVE: Final = 2.5 / math.log(10)
