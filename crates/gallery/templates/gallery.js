// The gallery's viewer, and its Delete button where it is served. Stands inside
// the page on disk and beside the one that is served. Without it every picture
// still opens its original.
"use strict";
(() => {
  const make = (name, properties, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  // --- the viewer ---------------------------------------------------------

  const links = [...document.querySelectorAll(".grid figure a")];
  let viewer;
  let at = 0;

  function build() {
    const img = make("img", { alt: "" });
    const text = make("p", {});
    text.setAttribute("role", "status");
    const button = (className, label, sign, act) => {
      const made = make("button", { type: "button", className, onclick: act }, sign);
      made.setAttribute("aria-label", label);
      return made;
    };
    const file = make("a", {}, "Open the file");
    const bar = make("div", { className: "bar" }, text, file);
    const dialog = make(
      "dialog",
      { className: "viewer" },
      img,
      bar,
      button("previous", "Previous picture", "‹", () => show(at - 1)),
      button("next", "Next picture", "›", () => show(at + 1)),
      button("close", "Close", "×", () => dialog.close()),
    );
    dialog.setAttribute("aria-label", "Picture");
    dialog.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show(to);
    });
    // A click beside the picture closes, a stroke of the finger turns over.
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    let from;
    dialog.addEventListener("touchstart", (event) => (from = event.changedTouches[0].clientX), { passive: true });
    dialog.addEventListener("touchend", (event) => {
      const way = event.changedTouches[0].clientX - from;
      if (Math.abs(way) > 50) show(at - Math.sign(way));
    });
    dialog.addEventListener("close", () => links[at].focus());
    document.body.append(dialog);
    return { dialog, img, text, file };
  }

  function show(number) {
    at = (number + links.length) % links.length;
    const link = links[at];
    const words = link.closest("figure").querySelector(".score").textContent.trim();
    viewer.img.src = link.href;
    viewer.img.alt = link.querySelector("img")?.alt ?? "";
    viewer.text.textContent = `${words} · ${at + 1} of ${links.length}`;
    viewer.file.href = link.href;
    // The neighbours are looked at next.
    for (const beside of [at + 1, at - 1]) {
      new Image().src = links[(beside + links.length) % links.length].href;
    }
  }

  links.forEach((link, number) =>
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      viewer ??= build();
      show(number);
      viewer.dialog.showModal();
    }),
  );

  // --- deleting -----------------------------------------------------------

  const button = document.getElementById("delete");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const failure = make("p", { className: "failure" });
    failure.setAttribute("role", "alert");
    const yes = make("button", { type: "button", className: "danger" }, "Delete");
    const no = make("button", { type: "button", autofocus: true }, "Keep it");
    const heading = make("h2", { id: "delete-heading" }, "Delete this gallery?");
    const about = make("p", {}, "Its pictures are removed from the disk for good.");
    const dialog = make("dialog", { className: "ask" }, heading, about, failure, make("div", {}, yes, no));
    dialog.setAttribute("aria-labelledby", heading.id);
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", async () => {
      yes.disabled = true;
      try {
        const answer = await fetch(new URL(button.dataset.session, location.origin), { method: "DELETE" });
        // Gone already is as good.
        if (!answer.ok && answer.status !== 404) throw new Error(`the service answered ${answer.status}`);
        location.assign(button.dataset.home);
      } catch (error) {
        failure.textContent = `It could not be deleted: ${error.message}.`;
        yes.disabled = false;
      }
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  });
})();
