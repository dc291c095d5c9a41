// The only script that the page at "/" names: waits for the first paint, then fetches
// all the others at once. Before it they would take the browser's time from it. A
// hidden page has no paint to wait for.

function rest() {
  document.head.append(document.getElementById("rest").content);
  import("./page.js");
}

if (document.hidden) rest();
else requestAnimationFrame(() => setTimeout(rest));
