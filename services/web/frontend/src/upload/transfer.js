// One PUT of one file: XMLHttpRequest, because fetch tells no progress of a body.

export class TransferProblem extends Error {
  constructor(sentence, canTryAgain) {
    super(sentence);
    this.canTryAgain = canTryAgain;
  }
}

/** Send a row's file; gives the data product, or throws a TransferProblem. */
export function sendFile(row) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    row.request = request;
    request.open("PUT", `/api/v1/frames?${row.query}`);
    request.setRequestHeader("Content-Type", "application/fits");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) row.progress(event.loaded, event.total);
    });
    request.addEventListener("load", () => {
      const body = request.response ?? {};
      if (request.status < 300) resolve(body);
      else reject(problemOf(request.status, body));
    });
    request.addEventListener("error", () =>
      reject(new TransferProblem("The connection broke; try again.", true)),
    );
    request.addEventListener("abort", () =>
      reject(new TransferProblem("Stopped.", true)),
    );
    request.send(row.file);
  });
}

function problemOf(status, body) {
  if (status === 401) {
    return new TransferProblem("Your session has ended: sign in again.", true);
  }
  const later = status >= 500 || status === 429;
  return new TransferProblem(body.detail ?? `The answer was ${status}.`, later);
}
