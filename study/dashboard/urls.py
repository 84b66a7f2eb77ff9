from django.contrib.auth import views as accounts
from django.urls import path, reverse_lazy

from .views import home, images, members, networks, pictures, power, recruitments, reports, running, studies, unblinding

app_name = "dashboard"
STUDY = "studies/<slug:slug>/<int:version>/"
urlpatterns = [
    path("", home.home, name="home"),
    path("workers/", home.workers, name="workers"),
    path("log-in/", accounts.LoginView.as_view(template_name="dashboard/log_in.html"), name="login"),
    path("log-out/", accounts.LogoutView.as_view(), name="logout"),
    path(
        "password/",
        accounts.PasswordChangeView.as_view(
            template_name="dashboard/password.html", success_url=reverse_lazy("dashboard:home")
        ),
        name="password",
    ),
    path("networks/", networks.networks, name="networks"),
    path("networks/add/", networks.add_network, name="add_network"),
    path("networks/uploads/<int:pk>/", networks.upload, name="upload"),
    path("networks/<slug:name>/", networks.network, name="network"),
    path("networks/<slug:name>/predict/", networks.predict, name="predict"),
    path("images/", images.images, name="images"),
    path("images/add/", images.add_images, name="add_images"),
    path("images/<int:pk>/", images.image, name="image"),
    path("images/<int:pk>/file/", images.image_file, name="image_file"),
    path("images/<int:pk>/small/", images.image_small, name="image_small"),
    path("pictures/", pictures.pictures, name="pictures"),
    path("pictures/order/", pictures.choose, name="choose"),
    path("pictures/order/<slug:kind>/<slug:name>/", pictures.order, name="order"),
    path("pictures/order/<slug:kind>/<slug:name>/cost/", pictures.cost, name="cost"),
    path("pictures/<slug:kind>/<int:pk>/", pictures.picture, name="picture"),
    path("pictures/<slug:kind>/<int:pk>/retry/", pictures.retry, name="retry"),
    path("studies/", studies.studies, name="studies"),
    path("studies/new/", studies.new_study, name="new_study"),
    path("studies/upload/", studies.upload_study, name="upload_study"),
    path(STUDY, studies.study, name="study"),
    path(f"{STUDY}live/", studies.live, name="live"),
    path(f"{STUDY}document/", studies.document, name="document"),
    path(f"{STUDY}preregistration/", studies.preregistration, name="preregistration"),
    path(f"{STUDY}audit/", studies.audit, name="audit"),
    path(f"{STUDY}prepare/", running.prepare, name="prepare"),
    path(f"{STUDY}try-again/", running.try_again, name="try_again"),
    path(f"{STUDY}launch/", running.launch, name="launch"),
    path(f"{STUDY}pause/", running.pause, name="pause"),
    path(f"{STUDY}resume/", running.resume, name="resume"),
    path(f"{STUDY}close/", running.close, name="close"),
    path(f"{STUDY}preview/", running.preview, name="preview"),
    path(f"{STUDY}recruitments/", recruitments.add_recruitment, name="add_recruitment"),
    path(f"{STUDY}recruitments/<int:pk>/", recruitments.toggle_recruitment, name="toggle_recruitment"),
    path(f"{STUDY}unblind/", unblinding.lift, name="unblind"),
    path(f"{STUDY}power/", power.power, name="power"),
    path(f"{STUDY}power/live/", power.live, name="power_live"),
    path(f"{STUDY}power/<int:pk>.csv", power.table, name="power_table"),
    path(f"{STUDY}reports/", reports.make_report, name="make_report"),
    path(f"{STUDY}reports/<int:pk>/", reports.report, name="report"),
    path(f"{STUDY}reports/<int:pk>/pdf/", reports.report_as_pdf, name="report_as_pdf"),
    path(f"{STUDY}reports/<int:pk>/bundle/", reports.bundle, name="bundle"),
    path(f"{STUDY}responses.csv", reports.responses, name="responses"),
    path(f"{STUDY}members/", members.members, name="members"),
    path(f"{STUDY}members/<int:pk>/remove/", members.remove_member, name="remove_member"),
]
