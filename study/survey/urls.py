from django.urls import path

from . import arrival, participation

app_name = "survey"
urlpatterns = [
    path("join/<str:token>/", arrival.join, name="join"),
    path("take/<str:token>/", participation.home, name="home"),
    path("take/<str:token>/instructions/", participation.instructions, name="instructions"),
    path("take/<str:token>/trials/", participation.trials, name="trials"),
    path("take/<str:token>/responses/", participation.responses, name="responses"),
    path("take/<str:token>/thanks/", participation.thanks, name="thanks"),
    path("take/<str:token>/withdraw/", participation.withdraw, name="withdraw"),
    path("withdraw/", participation.withdraw_by_code, name="withdraw_by_code"),
]
