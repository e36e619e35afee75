// A colour for each passband, one that is seen on light and on dark ground.

// By the band's letter, roughly as the light looks: blue bands are blue.
const BY_BAND = {
  u: ["#7b3fc4", "#b98cff"],
  g: ["#1f8a3c", "#5ccb78"],
  r: ["#d1451b", "#ff8a5c"],
  i: ["#8f1d4f", "#e8689f"],
  z: ["#5d4037", "#c49a8a"],
  U: ["#4527a0", "#9a86ff"],
  B: ["#1f5fbf", "#6aa8ff"],
  V: ["#00796b", "#3fc9b5"],
  R: ["#b71c1c", "#ff6b6b"],
  I: ["#6d1b1b", "#d9836f"],
  G: ["#37474f", "#b8c7d1"],
};
const OTHERS = [
  ["#00838f", "#4dd0e1"],
  ["#9e6a00", "#ffc247"],
  ["#3949ab", "#8c9eff"],
  ["#558b2f", "#aed581"],
  ["#ad1457", "#f48fb1"],
  ["#455a64", "#90a4ae"],
];

/** `r` of `r(GaiaSP)` and of `GaiaSP/r`; the whole text where there is no pattern. */
function letterOf(passband) {
  const shown = /^([A-Za-z])\(/.exec(passband);
  const id = /\/([A-Za-z])$/.exec(passband);
  const archive = /\(([A-Za-z])\)$/.exec(passband);
  return (shown ?? id ?? archive)?.[1] ?? passband;
}

function hashOf(text) {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + character.codePointAt(0)) >>> 0;
  return hash;
}

/** The colours of some passbands; two archives' same letters stay apart. */
export function coloursOf(passbands, dark) {
  const taken = new Set();
  return passbands.map((passband) => {
    let pair = BY_BAND[letterOf(passband)];
    if (pair === undefined || taken.has(pair)) {
      const start = hashOf(passband);
      for (let step = 0; step < OTHERS.length; step++) {
        pair = OTHERS[(start + step) % OTHERS.length];
        if (!taken.has(pair)) break;
      }
    }
    taken.add(pair);
    return pair[dark ? 1 : 0];
  });
}
