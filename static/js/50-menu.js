// The menu of small screens opens by its address (#menu); script adds where the
// focus goes. Polls stop while the page can't be seen.
(() => {
	window.addEventListener("hashchange", () => {
		if (location.hash === "#menu") {
			const first = document.querySelector("#menu a");
			if (first) first.focus();
		}
	});
	document.addEventListener("htmx:beforeRequest", (event) => {
		const poll = /every/.test(event.detail.elt.getAttribute("hx-trigger") || "");
		if (poll && document.hidden) event.preventDefault();
	});
})();
