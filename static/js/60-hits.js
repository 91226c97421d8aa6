// Hits of a search in a conversation: the links lead from mark to mark, beyond the last of this part to where the
// server says.
(() => {
	const marks = () => Array.from(document.querySelectorAll("mark[id^='hit-']"));

	on("click", "[data-hit-step]", (event, link) => {
		const all = marks();
		const at = all.findIndex((mark) => "#" + mark.id === location.hash);
		const step = Number(link.dataset.hitStep);
		const next = at < 0 ? (step > 0 ? 0 : -1) : at + step;
		const to = all[next] ? "#" + all[next].id : link.dataset.beyond || link.getAttribute("href");
		event.preventDefault();
		if (!to.startsWith("#")) {
			location.assign(to);
			return;
		}
		const had = document.activeElement === link;
		location.replace(to); // a step is no page to go back to
		if (had) link.focus({preventScroll: true});
		announce(link.closest("[data-hits]").dataset.hits.replace("#", to.slice("#hit-".length)));
	});
})();
